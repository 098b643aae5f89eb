package lab

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// pack makes the folder dir and in it the package of the node for this machine,
// with its digest, in the form that packaging/dist gives them.
func pack(ctx context.Context, node, dir string) error {
	said, err := exec.CommandContext(ctx, node, "version").Output()
	version := strings.TrimPrefix(strings.TrimSpace(string(said)), "aide-node ")
	if err != nil || version == "" {
		return fmt.Errorf("%s version: %w: %.100q", node, err, said)
	}
	program, err := os.ReadFile(node)
	if err != nil {
		return err
	}
	name := "aide-node_" + version + "_linux_" + runtime.GOARCH
	archive, err := archived(name, program)
	if err != nil {
		return fmt.Errorf("pack %s: %w", node, err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".tar.gz"), archive, 0o644); err != nil {
		return err
	}
	sums := fmt.Sprintf("%x  %s.tar.gz\n", sha256.Sum256(archive), name)
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums), 0o644)
}

// archived is a tar.gz of a folder, and of the program in it.
func archived(folder string, program []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	padding := make([]byte, -len(program)&511)
	for _, part := range [][]byte{
		entry(folder+"/", '5', 0), entry(folder+"/aide-node", '0', len(program)), program, padding,
		make([]byte, 2*512), // the end
	} {
		if _, err := z.Write(part); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// entry is the head of a file or a folder in a tar archive (POSIX, pax, "ustar
// Interchange Format"); archive/tar would be 110 KB of this program.
func entry(name string, kind byte, size int) []byte {
	head := make([]byte, 512)
	for at, text := range map[int]string{
		0: name, 100: "0000755", 108: "0000000", 116: "0000000", 124: fmt.Sprintf("%011o", size), 136: "00000000000",
		148: "        ", 156: string(kind), 257: "ustar\x0000", 329: "0000000", 337: "0000000",
	} {
		copy(head[at:], text)
	}
	sum := 0
	for _, b := range head {
		sum += int(b)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	return head
}
