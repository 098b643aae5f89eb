package deploy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Package is one archive of the node, as packaging/dist builds it.
type Package struct {
	Name    string // aide-node_0.1.0_linux_amd64.tar.gz
	Version string
	Arch    string // amd64 or arm64
	SHA256  string // in hex
	Body    []byte
}

// Limits of what is read, in bytes.
const (
	maxSums    = 64 << 10
	maxPackage = 32 << 20
	maxProgram = 64 << 20
)

// sumsFile holds the digests of what packaging/dist built.
const sumsFile = "SHA256SUMS"

var (
	sumPattern     = regexp.MustCompile(`^([0-9a-f]{64}) [ *](\S+)$`)
	packagePattern = regexp.MustCompile(`^aide-node_([0-9A-Za-z][0-9A-Za-z.+~-]{0,39})_linux_(amd64|arm64)\.tar\.gz$`)
)

// machines are the numbers of the architectures in the head of a program (ELF
// specification, e_machine).
var machines = map[string]uint16{"amd64": 62, "arm64": 183}

// ReadPackages reads the packages of the node in a folder that packaging/dist made. Each
// package has to have its digest in SHA256SUMS, and to hold a program for its architecture.
func ReadPackages(dir string) ([]Package, error) {
	sums, err := readFile(filepath.Join(dir, sumsFile), maxSums)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no %s in %s: make dist makes it; --packages names its folder", sumsFile, dir)
	}
	if err != nil {
		return nil, err
	}
	packages, err := parseSums(string(sums))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, sumsFile), err)
	}
	for i := range packages {
		p := &packages[i]
		if p.Body, err = readFile(filepath.Join(dir, p.Name), maxPackage); err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(p.Body); hex.EncodeToString(sum[:]) != p.SHA256 {
			return nil, fmt.Errorf("%s is not the file of %s: its SHA-256 is %x, not %s; build it again", filepath.Join(dir, p.Name), sumsFile, sum, p.SHA256)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, p.Name), err)
		}
	}
	return packages, nil
}

// parseSums finds the packages in the output of sha256sum. All have one version, and there
// is at most one for each architecture.
func parseSums(text string) (packages []Package, err error) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		sum := sumPattern.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if sum == nil {
			return nil, fmt.Errorf("line %d: want a SHA-256 and a name, as sha256sum prints them", n)
		}
		name := packagePattern.FindStringSubmatch(sum[2])
		if name == nil {
			continue // of another program, or for a package manager
		}
		for _, other := range packages {
			if other.Version != name[1] || other.Arch == name[2] {
				return nil, fmt.Errorf("%s and %s: one version is installed at a time, with one package for each architecture", other.Name, sum[2])
			}
		}
		packages = append(packages, Package{Name: sum[2], Version: name[1], Arch: name[2], SHA256: sum[1]})
	}
	if len(packages) == 0 {
		return nil, errors.New("it names no aide-node_VERSION_linux_ARCH.tar.gz")
	}
	return packages, nil
}

// check looks for the program in the archive.
func (p Package) check() error {
	name := p.program()
	head, err := extract(p.Body, name, 20)
	if err != nil {
		return err
	}
	if len(head) < 20 || string(head[:4]) != "\x7fELF" || binary.LittleEndian.Uint16(head[18:]) != machines[p.Arch] {
		return fmt.Errorf("%s is no program for %s", name, p.Arch)
	}
	return nil
}

// ProgramSHA256 is the digest of the program in the archive, in hex.
func (p Package) ProgramSHA256() (string, error) {
	program, err := extract(p.Body, p.program(), maxProgram)
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.Name, err)
	}
	sum := sha256.Sum256(program)
	return hex.EncodeToString(sum[:]), nil
}

// program is the name of the program in the archive.
func (p Package) program() string { return strings.TrimSuffix(p.Name, ".tar.gz") + "/aide-node" }

func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return text, err
}
