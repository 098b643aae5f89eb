package lab

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
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
	w := tar.NewWriter(z)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, Format: tar.FormatUSTAR})
	if err == nil {
		err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: folder + "/aide-node", Mode: 0o755, Size: int64(len(program)), Format: tar.FormatUSTAR})
	}
	if err == nil {
		_, err = w.Write(program)
	}
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
