package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	s3api "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// api are the operations of a ledger in S3, by the real client.
func api(config aws.Config) ledger.S3API {
	c := s3api.NewFromConfig(config, func(o *s3api.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	return ledger.S3API{
		GetObject: func(ctx context.Context, in *s3api.GetObjectInput) (*s3api.GetObjectOutput, error) {
			return c.GetObject(ctx, in)
		},
		PutObject: func(ctx context.Context, in *s3api.PutObjectInput) (*s3api.PutObjectOutput, error) {
			return c.PutObject(ctx, in)
		},
		ListObjectsV2: func(ctx context.Context, in *s3api.ListObjectsV2Input) (*s3api.ListObjectsV2Output, error) {
			return c.ListObjectsV2(ctx, in)
		},
	}
}

// TestStores holds both kinds of stores to the same.
func TestStores(t *testing.T) {
	t.Parallel()
	s := simulate(t, 1)
	for name, open := range map[string]func(t *testing.T, at string) ledger.Store{
		"folder": func(t *testing.T, at string) ledger.Store {
			l, err := ledger.Open(filepath.Join(t.TempDir(), at), "", ledger.S3API{})
			require.NoError(t, err)
			return l.Store
		},
		"S3": func(t *testing.T, at string) ledger.Store {
			l, err := ledger.Open("s3://"+lab.Bucket+"/"+at, "", api(s.sdk()))
			require.NoError(t, err)
			return l.Store
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("reads what was written", func(t *testing.T) {
				store := open(t, "a")
				_, _, err := store.Read(t.Context(), "x/y.json")
				require.ErrorIs(t, err, ledger.ErrNotFound)
				assert.ErrorContains(t, err, "x/y.json")
				require.NoError(t, store.Write(t.Context(), "x/y.json", []byte("one")))
				data, first, err := store.Read(t.Context(), "x/y.json")
				require.NoError(t, err)
				assert.Equal(t, "one", string(data))
				require.NoError(t, store.Write(t.Context(), "x/y.json", []byte("two")))
				data, second, err := store.Read(t.Context(), "x/y.json")
				require.NoError(t, err)
				assert.Equal(t, "two", string(data))
				assert.NotEqual(t, first, second)
			})
			t.Run("writes only over what was read", func(t *testing.T) {
				store := open(t, "b")
				require.NoError(t, store.WriteIf(t.Context(), "k", []byte("one"), ""))
				require.ErrorIs(t, store.WriteIf(t.Context(), "k", []byte("other"), ""), ledger.ErrChanged)
				_, version, err := store.Read(t.Context(), "k")
				require.NoError(t, err)
				require.NoError(t, store.WriteIf(t.Context(), "k", []byte("two"), version))
				require.ErrorIs(t, store.WriteIf(t.Context(), "k", []byte("other"), version), ledger.ErrChanged)
				require.ErrorIs(t, store.WriteIf(t.Context(), "none", []byte("other"), version), ledger.ErrChanged)
				data, _, err := store.Read(t.Context(), "k")
				require.NoError(t, err)
				assert.Equal(t, "two", string(data))
			})
			t.Run("lists below a prefix, in order", func(t *testing.T) {
				store := open(t, "c")
				keys, err := store.List(t.Context(), "none/")
				require.NoError(t, err)
				assert.Empty(t, keys)
				var want []string
				var g errgroup.Group
				g.SetLimit(16)
				for i := range 1500 {
					key := fmt.Sprintf("sweeps/fleet=a%%3Db/%05d.json", i)
					want = append(want, key)
					g.Go(func() error { return store.Write(t.Context(), key, []byte("x")) })
				}
				require.NoError(t, g.Wait())
				require.NoError(t, store.Write(t.Context(), "sweeps/other", []byte("x")))
				keys, err = store.List(t.Context(), "sweeps/fleet=a%3Db/")
				require.NoError(t, err)
				assert.Equal(t, want, keys)
			})
			t.Run("one of many writers wins", func(t *testing.T) {
				store := open(t, "d")
				const writers, rounds = 8, 10
				var wg sync.WaitGroup
				for range writers {
					wg.Go(func() {
						for range rounds {
							for {
								data, version, err := store.Read(t.Context(), "counter")
								if err != nil && !errors.Is(err, ledger.ErrNotFound) {
									t.Error(err)
									return
								}
								err = store.WriteIf(t.Context(), "counter", append(data, 'x'), version)
								if err == nil {
									break
								}
								if !errors.Is(err, ledger.ErrChanged) {
									t.Error(err)
									return
								}
							}
						}
					})
				}
				wg.Wait()
				data, _, err := store.Read(t.Context(), "counter")
				require.NoError(t, err)
				assert.Len(t, data, writers*rounds)
			})
			t.Run("ends with its context", func(t *testing.T) {
				if name == "folder" {
					return // a file is written in no time
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				assert.ErrorIs(t, open(t, "e").Write(ctx, "k", nil), context.Canceled)
			})
		})
	}
}

// TestBucketErrors: what S3 refuses is told with the object, and what is not there is not
// taken for empty.
func TestBucketErrors(t *testing.T) {
	t.Parallel()
	s := simulate(t, 1)
	l, err := ledger.Open("s3://no-such-bucket/x", "", api(s.sdk()))
	require.NoError(t, err)
	_, _, err = l.Store.Read(t.Context(), "k")
	require.Error(t, err)
	assert.NotErrorIs(t, err, ledger.ErrNotFound)
	assert.ErrorContains(t, err, "s3://no-such-bucket/x/k")
	assert.ErrorContains(t, err, "NoSuchBucket")
	assert.ErrorContains(t, l.Store.Write(t.Context(), "k", nil), "NoSuchBucket")
	_, err = l.Store.List(t.Context(), "k")
	assert.ErrorContains(t, err, "NoSuchBucket")
}

// TestFolderErrors: a folder that others can write is none, nor is a file.
func TestFolderErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	open := filepath.Join(dir, "open")
	require.NoError(t, os.Mkdir(open, 0o700))
	require.NoError(t, os.Chmod(open, 0o777))
	for location, want := range map[string]string{
		file: "not a directory",
		open: "others can write the ledger " + open,
	} {
		_, err := ledger.Open(location, "", ledger.S3API{})
		assert.ErrorContains(t, err, want)
	}
}

// TestFullDisk: what does not fit leaves what was there, and nothing of itself.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no disk can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { assert.NoError(t, exec.Command("umount", dir).Run()) })
	l, err := ledger.Open(filepath.Join(dir, "ledger"), "", ledger.S3API{})
	require.NoError(t, err)
	require.NoError(t, l.Store.Write(t.Context(), "k", []byte("small")))
	err = l.Store.Write(t.Context(), "k", bytes.Repeat([]byte("x"), 128<<10))
	assert.ErrorContains(t, err, "no space left on device")
	data, _, err := l.Store.Read(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "small", string(data))
	left, err := filepath.Glob(filepath.Join(dir, "ledger", ".tmp-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// sweeping runs the orchestrator's sweep of a lab with a ledger, and returns its exit code,
// the report, and what it said.
func (s simulated) sweeping(location string, args ...string) (code int, r report.Report, said string) {
	s.tb.Helper()
	cmd := s.program(append([]string{"sweep", "--tag", "env=prod,dev", "--output", "json", "--ledger", location}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	require.NoError(s.tb, json.Unmarshal(stdout.Bytes(), &r), stdout.String()+stderr.String())
	return cmd.ProcessState.ExitCode(), r, stderr.String()
}

// TestUnreachableLedger: neither the report nor the metrics wait for it, and the next sweep
// and collect make up for it.
func TestUnreachableLedger(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "2ms", "--speed", "600", "--drift", "0", "--fail", "0")
	target, err := url.Parse(s.url)
	require.NoError(t, err)
	var status atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := int(status.Load()); code != 0 && strings.Contains(r.URL.Path, "/"+lab.Bucket+"/ledger") || code != 0 && strings.Contains(r.URL.RawQuery, "list-type=2") {
			w.WriteHeader(code)
			return
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	through := simulated{t, s.dir, proxy.URL}
	location := "s3://" + lab.Bucket + "/ledger"
	memory, err := ledger.Open(location, "", api(s.sdk()))
	require.NoError(t, err)
	recorded := func() int {
		t.Helper()
		keys, err := memory.Store.List(t.Context(), "sweeps/")
		require.NoError(t, err)
		return len(slices.DeleteFunc(keys, func(key string) bool { return !strings.HasSuffix(key, ".json.gz") }))
	}

	for i, code := range []int{403, 503} {
		status.Store(int64(code))
		fleet := fmt.Sprint("f", code)
		exit, r, said := through.sweeping(location, "--fleet", fleet)
		assert.Equal(t, 1, exit, said)
		assert.Equal(t, 20, r.Summary.Clean)
		assert.NotEmpty(t, r.Errors)
		assert.Contains(t, said, "orchestrator collect")
		s.publishedOnce(fleet)
		assert.Equal(t, 2*i, recorded())

		status.Store(0)
		s.sweep("collect", "--command-id", r.Commands[0].ID, "--ledger", location)
		assert.Equal(t, 2*i+1, recorded(), "collect makes up for it")
		s.publishedOnce(fleet)
		exit, r, said = through.sweeping(location, "--fleet", "after-"+fleet)
		assert.Equal(t, 0, exit, said)
		assert.Zero(t, r.Summary.Suspect)
		assert.Equal(t, 2*i+2, recorded())
	}
}

// TestSweepsAtOnce: pairs of sweeps of one fleet at the same time lose nothing.
func TestSweepsAtOnce(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "1ms", "--speed", "6000", "--drift", "0.2", "--fail", "0")
	for name, location := range map[string]string{"folder": filepath.Join(t.TempDir(), "ledger"), "S3": "s3://" + lab.Bucket + "/at-once"} {
		t.Run(name, func(t *testing.T) {
			const pairs = 20
			var mu sync.Mutex
			var runs []string
			for range pairs {
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						code, r, said := s.sweeping(location, "--no-publish", "--fleet", "f")
						assert.Equal(t, 3, code, said)
						assert.Empty(t, r.Errors)
						assert.Zero(t, r.Summary.Suspect, "%+v", r)
						mu.Lock()
						defer mu.Unlock()
						runs = append(runs, r.Commands[0].ID)
					})
				}
				wg.Wait()
			}
			l, err := ledger.Open(location, "", api(s.sdk()))
			require.NoError(t, err)
			sweeps, err := l.Sweeps(t.Context(), "f", time.Time{}, time.Now().Add(time.Hour))
			require.NoError(t, err)
			assert.Len(t, sweeps, 2*pairs)
			var recorded []string
			for _, one := range sweeps {
				data, err := l.Report(t.Context(), one)
				require.NoError(t, err)
				var r report.Report
				require.NoError(t, json.Unmarshal(data, &r))
				recorded = append(recorded, r.Commands[0].ID)
				hosts := 0
				require.NoError(t, l.Hosts(t.Context(), one, func(ledger.HostRow) { hosts++ }))
				assert.Equal(t, 20, hosts)
			}
			slices.Sort(runs)
			slices.Sort(recorded)
			assert.Equal(t, runs, recorded)
			pins, err := l.Pins(t.Context(), "123456789012", "us-east-1")
			require.NoError(t, err)
			count := 0
			require.NoError(t, pins.Each(func(p ledger.Pin) error { count++; assert.Empty(t, p.Open); return nil }))
			assert.Equal(t, 20, count)
		})
	}
}

// TestBrokenPins: a sweep goes on without pins that cannot be read, names them, and leaves
// them as they are.
func TestBrokenPins(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "1ms", "--speed", "6000", "--drift", "0", "--fail", "0")
	dir := filepath.Join(t.TempDir(), "ledger")
	exit, r, _ := s.sweeping(dir)
	assert.Equal(t, 0, exit)
	assert.True(t, r.Hosts[0].FirstSeen)
	pins := filepath.Join(dir, "pins", "account=123456789012", "region=us-east-1.json.gz")
	whole, err := os.ReadFile(pins)
	require.NoError(t, err)
	for name, text := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "garbage": []byte("garbage")} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(pins, text, 0o600))
			exit, r, said := s.sweeping(dir, "--fleet", name)
			assert.Equal(t, 1, exit)
			assert.Equal(t, 20, r.Summary.Clean)
			assert.False(t, r.Hosts[0].FirstSeen)
			assert.Contains(t, said, pins+" is broken")
			s.publishedOnce(name)
			left, err := os.ReadFile(pins)
			require.NoError(t, err)
			assert.Equal(t, text, left)
		})
	}
	require.NoError(t, os.WriteFile(pins, whole, 0o600))
	exit, r, said := s.sweeping(dir)
	assert.Equal(t, 0, exit, said)
	assert.False(t, r.Hosts[0].FirstSeen)
}
