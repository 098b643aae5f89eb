package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file is one entry of an archive.
type file struct {
	name    string
	content string
	kind    byte
}

// packed makes a tar.gz with the standard library.
func packed(t testing.TB, format tar.Format, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: f.kind, Name: f.name, Mode: 0o755, Size: int64(len(f.content)), Format: format}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// program is the head of a program for a machine.
func program(machine byte) string {
	return "\x7fELF" + strings.Repeat("\x01", 14) + string([]byte{machine, 0}) + strings.Repeat("code", 500)
}

const amd64, arm64 = 62, 183

func node(arch string, machine byte) file {
	return file{"aide-node_0.1.0_linux_" + arch + "/aide-node", program(machine), tar.TypeReg}
}

// dist makes a folder as packaging/dist does, of files by name.
func dist(t *testing.T, files map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var sums strings.Builder
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
	}
	if err := os.WriteFile(filepath.Join(dir, sumsFile), []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestReadPackages(t *testing.T) {
	dir := dist(t, map[string][]byte{
		"aide-node_0.1.0_linux_amd64.tar.gz": packed(t, tar.FormatUSTAR, file{"aide-node_0.1.0_linux_amd64/", "", tar.TypeDir},
			file{"aide-node_0.1.0_linux_amd64/LICENSE", "text", tar.TypeReg}, node("amd64", amd64)),
		"aide-node_0.1.0_linux_arm64.tar.gz":    packed(t, tar.FormatUSTAR, node("arm64", arm64)),
		"orchestrator_0.1.0_linux_amd64.tar.gz": []byte("another program"),
		"aide-node_0.1.0_amd64.deb":             []byte("for a package manager"),
	})
	packages, err := ReadPackages(dir)
	require.NoError(t, err)
	require.Len(t, packages, 2)
	for _, p := range packages {
		assert.Equal(t, "0.1.0", p.Version, "package %+v", p)
		assert.Equal(t, "aide-node_0.1.0_linux_"+p.Arch+".tar.gz", p.Name, "package %+v", p)
		assert.Equal(t, p.SHA256, fmt.Sprintf("%x", sha256.Sum256(p.Body)), "package %+v", p)
	}
}

func TestReadPackagesRefuses(t *testing.T) {
	const name = "aide-node_0.1.0_linux_amd64.tar.gz"
	sound := packed(t, tar.FormatUSTAR, node("amd64", amd64))
	for _, tc := range []struct {
		name  string
		files map[string][]byte
		edit  func(dir string) error
		want  string
	}{
		{"nothing", nil, func(dir string) error { return os.Remove(filepath.Join(dir, sumsFile)) }, "make dist makes it; --packages names its folder"},
		{"no package", map[string][]byte{"orchestrator_0.1.0_linux_amd64.tar.gz": nil}, nil, "SHA256SUMS: it names no aide-node_VERSION_linux_ARCH.tar.gz"},
		{"no digests", nil, func(dir string) error { return os.WriteFile(filepath.Join(dir, sumsFile), []byte("x"), 0o600) }, "SHA256SUMS: line 1: want a SHA-256 and a name"},
		{"too many digests", nil, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, sumsFile), make([]byte, maxSums+1), 0o600)
		}, "is larger than"},
		{"two versions", map[string][]byte{name: sound, "aide-node_0.2.0_linux_arm64.tar.gz": sound}, nil, "one version is installed at a time"},
		{"a package that is gone", map[string][]byte{name: sound}, func(dir string) error { return os.Remove(filepath.Join(dir, name)) }, "no such file"},
		{"another file", map[string][]byte{name: sound}, func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte("other"), 0o600) }, "is not the file of SHA256SUMS: its SHA-256 is d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, not "},
		{"cut short", map[string][]byte{name: sound}, func(dir string) error { return os.Truncate(filepath.Join(dir, name), 100) }, "is not the file of SHA256SUMS"},
		{"for another machine", map[string][]byte{name: packed(t, tar.FormatUSTAR, node("amd64", arm64))}, nil, "is no program for amd64"},
		{"no program", map[string][]byte{name: packed(t, tar.FormatUSTAR, file{"aide-node_0.1.0_linux_amd64/aide-node", "#!/bin/sh", tar.TypeReg})}, nil, "is no program for amd64"},
		{"a link", map[string][]byte{name: packed(t, tar.FormatUSTAR, file{"aide-node_0.1.0_linux_amd64/aide-node", "", tar.TypeSymlink})}, nil, "it is not in the archive"},
		{"another folder", map[string][]byte{name: packed(t, tar.FormatUSTAR, file{"aide-node", program(amd64), tar.TypeReg})}, nil, "it is not in the archive"},
		{"no gzip", map[string][]byte{name: []byte("not gzip")}, nil, "gzip"},
		{"no tar", map[string][]byte{name: zipped(t, strings.Repeat("x", 2048))}, nil, "invalid tar header"},
		{"half an archive", map[string][]byte{name: sound[:len(sound)/2]}, nil, "unexpected EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := dist(t, tc.files)
			if tc.edit != nil {
				if err := tc.edit(dir); err != nil {
					t.Fatal(err)
				}
			}
			packages, err := ReadPackages(dir)
			require.ErrorContains(t, err, tc.want, "%d packages", len(packages))
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestExtractFormats: the program is found in each format that tar writes.
func TestExtractFormats(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		head, err := extract(packed(t, format, node("amd64", amd64)), "aide-node_0.1.0_linux_amd64/aide-node", 4)
		if err != nil {
			t.Errorf("%v: %v", format, err)
		}
		if string(head) != "\x7fELF" {
			t.Errorf("%v: %q", format, head)
		}
	}
}

// FuzzExtract: whatever an archive is, no more comes out of it than was asked for.
func FuzzExtract(f *testing.F) {
	for _, a := range [][]byte{
		packed(f, tar.FormatUSTAR, node("amd64", amd64)),
		packed(f, tar.FormatGNU, file{"a/", "", tar.TypeDir}, file{"aide-node_0.1.0_linux_amd64/aide-node", "x", tar.TypeReg}),
		packed(f, tar.FormatPAX, file{"ä", "y", tar.TypeReg}),
	} {
		z, err := gzip.NewReader(bytes.NewReader(a))
		if err != nil {
			f.Fatal(err)
		}
		var plain bytes.Buffer
		if _, err := plain.ReadFrom(z); err != nil {
			f.Fatal(err)
		}
		f.Add(plain.Bytes())
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		const name = "aide-node_0.1.0_linux_amd64/aide-node"
		got, err := extract(zipped(t, string(archive)), name, 20)
		if err != nil {
			return
		}
		if len(got) > 20 {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}

// FuzzSums: what passes has one version and no architecture twice.
func FuzzSums(f *testing.F) {
	f.Add(strings.Repeat("0", 64) + "  aide-node_0.1.0_linux_amd64.tar.gz\n")
	f.Add(strings.Repeat("0", 64) + " *aide-node_0.1.0+3.g1_linux_arm64.tar.gz\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		packages, err := parseSums(text)
		if err != nil {
			return
		}
		archs := map[string]bool{}
		for _, p := range packages {
			assert.False(t, archs[p.Arch], "%+v", packages)
			assert.Equal(t, packages[0].Version, p.Version, "%+v", packages)
			assert.False(t, strings.ContainsAny(p.Name, "/\x00"), "%+v", packages)
			archs[p.Arch] = true
		}
	})
}

func TestUpload(t *testing.T) {
	at := Place{Bucket: "bucket", Region: "eu-central-1", Prefix: "aide-node"}
	k := Package{Arch: "amd64", SHA256: strings.Repeat("a", 64), Body: []byte("x"), Version: "0.1.0"}
	key := "aide-node/aide-node-linux-amd64-" + k.SHA256 + ".tar.gz"
	refuse := func(code string) error { return &smithy.GenericAPIError{Code: code} }
	for _, tc := range []struct {
		name     string
		there    string // SHA-256 of what is there
		head     error
		put      error
		uploaded bool
		failed   string
	}{
		{"nothing there", "", refuse("NotFound"), nil, true, ""},
		{"it is there", k.SHA256, nil, nil, false, ""},
		{"another is there", strings.Repeat("b", 64), nil, nil, true, ""},
		{"something is there", "", nil, nil, true, ""},
		{"nobody may look", "", refuse("Forbidden"), nil, true, ""},
		{"no bucket", "", refuse("NotFound"), refuse("NoSuchBucket"), false, "upload s3://bucket/" + key},
		{"no answer", "", refuse("InternalError"), nil, false, "look for s3://bucket/" + key},
	} {
		t.Run(tc.name, func(t *testing.T) {
			puts := 0
			s := Storage{
				HeadObject: func(_ context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
					if at := *in.Bucket + "/" + *in.Key; at != "bucket/"+key {
						t.Errorf("asked for %s", at)
					}
					if in.ChecksumMode != types.ChecksumModeEnabled {
						t.Errorf("asked without its checksum: %q", in.ChecksumMode)
					}
					out := &s3.HeadObjectOutput{}
					if tc.there != "" {
						out.ChecksumSHA256 = sdk.String(Package{SHA256: tc.there}.checksum())
					}
					return out, tc.head
				},
				PutObject: func(_ context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
					puts++
					body, err := io.ReadAll(in.Body)
					if err != nil {
						t.Error(err)
					}
					for _, put := range []struct{ what, got, want string }{
						{"at", *in.Bucket + "/" + *in.Key, "bucket/" + key}, {"body", string(body), "x"},
						{"type", *in.ContentType, "application/gzip"}, {"checksum", *in.ChecksumSHA256, k.checksum()},
					} {
						if put.got != put.want {
							t.Errorf("%s %q, want %q", put.what, put.got, put.want)
						}
					}
					return &s3.PutObjectOutput{}, tc.put
				},
			}
			uploaded, err := Upload(t.Context(), s, at, k)
			assert.Equal(t, tc.uploaded, uploaded)
			if tc.failed == "" {
				assert.NoError(t, err)
			} else if assert.Error(t, err) {
				assert.True(t, strings.HasPrefix(err.Error(), tc.failed), err)
			}
			if want := tc.uploaded || tc.put != nil; (puts > 0) != want {
				t.Errorf("%d uploads", puts)
			}
		})
	}
	pins, err := at.Pins([]Package{k})
	if err != nil {
		t.Fatal(err)
	}
	d, err := pins.Render()
	if err != nil {
		t.Fatal(err)
	}
	if url := "https://s3.eu-central-1.amazonaws.com/bucket/" + key; !strings.Contains(d.Content, url) {
		t.Errorf("the document has no %s", url)
	}
	if _, err := (Place{Bucket: "bucket", Region: "eu central/1"}).Pins([]Package{k}); err == nil {
		t.Error("a package in a region that cannot be")
	}
}

func TestPlace(t *testing.T) {
	for _, tc := range []struct {
		bucket, prefix string
		ok             bool
	}{
		{"my.bucket-1", "", true}, {"abc", "a/b_c.d", true},
		{"ab", "", false}, {"Upper", "", false}, {"-ab", "", false}, {"a/b", "", false}, {"", "", false}, {strings.Repeat("a", 64), "", false},
		{"abc", "/a", false}, {"abc", "a/", false}, {"abc", "a//b", false}, {"abc", "a b", false}, {"abc", "a+b", false}, {"abc", "a'b", false},
		{"abc", strings.Repeat("a/", 201) + "a", false},
	} {
		if err := (Place{Bucket: tc.bucket, Prefix: tc.prefix}).Validate(); (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}
