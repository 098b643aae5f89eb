package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/lab"
	"aidefleet/node/result"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// build builds the node of a version, for a machine.
func build(t *testing.T, version, arch string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := makePrograms(dir, "aide-node", "VERSION="+version, "GOOS=linux", "GOARCH="+arch); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(dir, "aide-node"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// pack packs a program with tar and gzip, as packaging/dist does.
func pack(t *testing.T, version, arch string, program []byte) []byte {
	t.Helper()
	dir, name := t.TempDir(), "aide-node_"+version+"_linux_"+arch
	if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name, "aide-node"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `tar --format=ustar --sort=name --owner=0 --group=0 -C "$1" -cf - "$2" | gzip -9n`, "sh", dir, name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dist makes a folder of packages by their architecture.
func dist(t *testing.T, version string, archives map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var sums bytes.Buffer
	for arch, archive := range archives {
		name := "aide-node_" + version + "_linux_" + arch + ".tar.gz"
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(archive), name)
		if err := os.WriteFile(filepath.Join(dir, name), archive, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "SHA256SUMS"), sums.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// s3 makes one request of the lab's bucket as its owner.
func (f *fleet) s3(method, path string, body []byte) {
	f.t.Helper()
	simulated{f.t, f.dir, f.url}.s3(method, "/"+lab.Bucket+path, body)
}

func (f *fleet) ssm() *ssm.Client {
	return ssm.NewFromConfig(simulated{f.t, f.dir, f.url}.sdk())
}

// publish makes a document of pins the default one, whatever is behind them.
func (f *fleet) publish(pins documents.Pins) {
	f.t.Helper()
	d, err := pins.Render()
	if err != nil {
		f.t.Fatal(err)
	}
	c := f.ssm()
	api := deploy.API{
		GetDocument: func(ctx context.Context, in *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error) {
			return c.GetDocument(ctx, in)
		},
		UpdateDocument: func(ctx context.Context, in *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error) {
			return c.UpdateDocument(ctx, in)
		},
		UpdateDocumentDefaultVersion: func(ctx context.Context, in *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error) {
			return c.UpdateDocumentDefaultVersion(ctx, in)
		},
	}
	if _, err := deploy.Publish(f.t.Context(), api, d, deploy.As{}); err != nil {
		f.t.Fatal(err)
	}
}

// instances are the ids of the hosts that the tests here are about.
var instances = map[string]string{
	"web-1": "i-0a1de0000000000a1", "web-2": "i-0a1de0000000000a2", "web-3": "i-0a1de0000000000a3",
	"db-1": "i-0a1de0000000000b1", "cache-1": "i-0a1de0000000000c1", "batch-1": "i-0a1de0000000000e1",
}

// install runs AideFleet-Install on a host as the SSM console does. It returns
// what each step printed, and the result line of the last one.
func (f *fleet) install(name string) (steps []string, line result.Line) {
	f.t.Helper()
	steps = f.send(name, documents.Install, nil)
	line, err := result.Parse([]byte(steps[len(steps)-1]))
	if err != nil {
		f.t.Fatalf("%v in %q", err, steps)
	}
	return steps, line
}

// send runs a document on a host as the SSM console does, and returns what each step
// printed.
func (f *fleet) send(name, document string, parameters map[string][]string) (steps []string) {
	f.t.Helper()
	c := f.ssm()
	sent, err := c.SendCommand(f.t.Context(), &ssm.SendCommandInput{DocumentName: sdk.String(document), InstanceIds: []string{instances[name]}, Parameters: parameters})
	if err != nil {
		f.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := c.ListCommandInvocations(f.t.Context(), &ssm.ListCommandInvocationsInput{CommandId: sent.Command.CommandId, Details: true})
		if err != nil {
			f.t.Fatal(err)
		}
		if n := len(out.CommandInvocations); n == 1 && out.CommandInvocations[0].Status != types.CommandInvocationStatusInProgress &&
			out.CommandInvocations[0].Status != types.CommandInvocationStatusPending {
			for _, p := range out.CommandInvocations[0].CommandPlugins {
				steps = append(steps, sdk.ToString(p.Output))
			}
			return steps
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s has not ended: %+v", document, out.CommandInvocations)
		}
	}
}

// says runs a shell command on a host of the lab and returns what it prints.
func (f *fleet) says(name, script string) string {
	f.t.Helper()
	out, _ := f.run(0, "lab", "exec", "--dir", f.dir, name, "--", "sh", "-c", script)
	return strings.TrimSpace(out)
}

// tidy fails if an installation has left anything on a host.
func (f *fleet) tidy(name string) {
	f.t.Helper()
	if left := f.says(name, `find /var/lib/amazon \( -name '*.gz' -o -name '*.etag' \); find /var/lib/aide-node/previous -name '.*' 2>/dev/null; ls -A /usr/bin | grep '^[.]' || true`); left != "" {
		f.t.Errorf("%s has %q left", name, left)
	}
}

// calls are how often each operation that changes something was called.
func (f *fleet) calls() map[string]int {
	f.t.Helper()
	resp, err := http.Get(f.url + "/lab/stats")
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var stats struct{ Calls map[string]int }
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		f.t.Fatal(err)
	}
	changing := map[string]int{}
	for _, name := range []string{"PutObject", "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "AddTagsToResource", "SendCommand"} {
		changing[name] = stats.Calls[name]
	}
	return changing
}

// TestInstall brings the node to hosts in every way that can go right or wrong. It is
// one story, since an installation is about what was there before: the lab's node, a dry
// run, the upgrade of it, and the same again; then web-3, which has the first version,
// refuses one bad package after another and stays as it was.
func TestInstall(t *testing.T) {
	t.Parallel()
	arch := runtime.GOARCH
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[arch]
	f := labUp(t)
	const version = "0.2.0+3.g1a2b3c4"
	newer := pack(t, version, arch, build(t, version, arch))
	packages := dist(t, version, map[string][]byte{arch: newer, other: pack(t, version, other, build(t, version, other))})
	first := func(t *testing.T) string { return f.in(t).says("web-1", "aide-node version") }(t)
	at := deploy.Place{Bucket: lab.Bucket, Region: "us-east-1", Prefix: "nodes/prod"}
	pinned := deploy.Package{Version: version, Arch: arch, SHA256: fmt.Sprintf("%x", sha256.Sum256(newer))}

	t.Run("a lab's hosts have it", func(t *testing.T) {
		f := f.in(t)
		for name := range instances {
			f.tidy(name)
			if got := f.says(name, "stat -c '%a %U %n' /usr/bin/aide-node /var/lib/aide-node; ls -d /var/lib/aide-node/previous 2>/dev/null || true"); got != "755 root /usr/bin/aide-node\n700 root /var/lib/aide-node" {
				t.Errorf("%s: %s", name, got)
			}
		}
	})

	t.Run("a dry run changes nothing", func(t *testing.T) {
		f := f.in(t)
		before := f.calls()
		out, said := f.run(0, "install", "--bucket", lab.Bucket, "--prefix", at.Prefix, "--packages", packages, "--tag", "role=web", "--dry-run")
		if after := f.calls(); !maps.Equal(before, after) {
			t.Errorf("calls %v, before %v", after, before)
		}
		for _, want := range []string{
			"s3://aidefleet-lab/" + at.Key(pinned) + "\t" + version + "\twould be uploaded\n", "AideFleet-Install\tus-east-1\twould be updated\n",
			"web-1\ti-0a1de0000000000a1\twould run AideFleet-Install\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
		if !strings.Contains(said, "nothing was sent") {
			t.Error(said)
		}
		f.run(5, "install", "--bucket", lab.Bucket, "--packages", packages, "--tag", "env=nowhere")
		_, said = f.run(1, "install", "--bucket", "no-such-bucket", "--packages", packages, "--tag", "role=web")
		assert.Contains(t, said, "NoSuchBucket")
		assert.Contains(t, said, "make the bucket")
		after := f.calls()
		delete(before, "PutObject")
		delete(after, "PutObject")
		if !maps.Equal(before, after) {
			t.Errorf("calls %v, before %v: what cannot be done was begun", after, before)
		}
	})

	t.Run("an upgrade", func(t *testing.T) {
		f := f.in(t)
		// A program that runs goes on: here one that is called like the node.
		f.on("web-1", `cp -L /usr/bin/aide-node /srv/first; cp -L "$(readlink -f /usr/bin/sleep)" /usr/bin/aide-node.sleep; mv /usr/bin/aide-node.sleep /usr/bin/aide-node; (/usr/bin/aide-node 60 >/dev/null 2>&1 &)`)
		before := f.calls()
		got := f.sweep(0, "install", "--bucket", lab.Bucket, "--prefix", at.Prefix, "--packages", packages, "--tag", "role=web")
		after := f.calls()
		for operation, n := range map[string]int{"PutObject": 2, "CreateDocument": 0, "UpdateDocument": 1, "UpdateDocumentDefaultVersion": 1, "SendCommand": 1} {
			if after[operation]-before[operation] != n {
				t.Errorf("%d calls of %s, want %d", after[operation]-before[operation], operation, n)
			}
		}
		for _, name := range []string{"web-1", "web-2", "web-3"} {
			h := got[name]
			assert.Equal(t, report.Status("clean"), h.Status, "%s: %+v", name, h)
			assert.Equal(t, version, h.Node, name)
			if v := f.says(name, "aide-node version"); v != "aide-node "+version {
				t.Errorf("%s has %s", name, v)
			}
			f.tidy(name)
		}
		if v := f.says("web-2", "/var/lib/aide-node/previous/aide-node version"); v != first {
			t.Errorf("kept is %s, want %s", v, first)
		}
		if exe := f.says("web-1", "readlink /proc/[0-9]*/exe | grep aide-node"); exe != "/usr/bin/aide-node (deleted)" {
			t.Errorf("what ran is %q now", exe)
		}
		if h := f.sweep(3, "sweep", "--tag", "role=web")["web-2"]; !slices.Equal(h.Paths, []string{"~/usr/bin/aide-node"}) {
			t.Errorf("AIDE sees %q: the new program, and nothing else of an upgrade", h.Paths)
		}
	})

	t.Run("the same again", func(t *testing.T) {
		f := f.in(t)
		before, when := f.calls(), f.says("web-2", "stat -c '%i %y' /usr/bin/aide-node /var/lib/aide-node/previous/aide-node")
		got := f.sweep(0, "install", "--bucket", lab.Bucket, "--prefix", at.Prefix, "--packages", packages, "--tag", "role=web")
		before["SendCommand"]++
		if after := f.calls(); !maps.Equal(before, after) {
			t.Errorf("calls %v, want %v", after, before)
		}
		h := got["web-2"]
		assert.Equal(t, report.Status("clean"), h.Status, "%+v", h)
		assert.Equal(t, version, h.Node)
		if now := f.says("web-2", "stat -c '%i %y' /usr/bin/aide-node /var/lib/aide-node/previous/aide-node"); now != when {
			t.Errorf("%s, before %s", now, when)
		}
		steps, _ := f.install("web-2")
		want := "aide-node " + version + " is installed already; nothing was changed.\n"
		assert.True(t, strings.HasSuffix(steps[2], want), steps)
		assert.True(t, strings.HasPrefix(steps[0], "Content downloaded to "), steps)
		f.tidy("web-2")
	})

	// From here on web-3 has the first version again and is to get the newer one.
	// Each row is undone by the next.
	pin := func(k deploy.Package) documents.Pins {
		pins, err := at.Pins([]deploy.Package{k})
		if err != nil {
			t.Fatal(err)
		}
		return pins
	}
	pins := pin(pinned)
	broken := func(program []byte) documents.Pins {
		archive := pack(t, version, arch, program)
		k := deploy.Package{Version: version, Arch: arch, SHA256: fmt.Sprintf("%x", sha256.Sum256(archive))}
		f.in(t).s3(http.MethodPut, "/"+at.Key(k), archive)
		return pin(k)
	}
	key := "/" + at.Key(pinned)
	const deny = `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s%s"}]}`
	for _, tc := range []struct {
		name    string
		pins    documents.Pins
		before  func(f *fleet)
		reason  result.Reason
		message string
		after   string // on the host
	}{
		{"another content", pins, func(f *fleet) { f.s3(http.MethodPut, key, []byte("evil")) }, "digest_mismatch", fmt.Sprintf("its SHA-256 is %x, not ", sha256.Sum256([]byte("evil"))) + pinned.SHA256, ""},
		{"a truncated archive", pins, func(f *fleet) { f.s3(http.MethodPut, key, newer[:len(newer)/2]) }, "digest_mismatch", "not " + pinned.SHA256, ""},
		{"nothing there", pins, func(f *fleet) { f.s3(http.MethodDelete, key, nil) }, "download_failed", "the package for " + arch + " was not downloaded", ""},
		{"no right to read", pins, func(f *fleet) {
			f.s3(http.MethodPut, key, newer)
			f.s3(http.MethodPut, "?policy", fmt.Appendf(nil, deny, lab.Bucket, key))
		}, "download_failed", "the instance profile may not read it", ""},
		{"no package for this machine", pin(deploy.Package{Version: version, Arch: other, SHA256: strings.Repeat("0", 64)}), func(f *fleet) { f.s3(http.MethodDelete, "?policy", nil) },
			"wrong_architecture", "no package for it was published", ""},
		{"a program for another machine", broken(build(t, version, other)), nil, "wrong_architecture", "the program in the package is " + other, ""},
		{"no program", broken([]byte("#!/bin/sh\necho aide-node " + version)), nil, "wrong_architecture", "no program for a known machine", ""},
		{"another version", broken(build(t, "9.9.9", arch)), nil, "internal", "does not say that it is version 0.2.0", ""},
		{"no room for what is there", pins, func(f *fleet) {
			f.machine("web-3", "mount -t tmpfs -o size=64k none /var/lib/aide-node")
			f.t.Cleanup(func() { f.machine("web-3", "umount /var/lib/aide-node") })
		}, "no_space", "/var/lib/aide-node has no room", ""},
		{"no room for what is new", pins, func(f *fleet) {
			f.on("web-3", `mv /usr/bin/df /usr/bin/df.there; printf '#!/bin/sh\necho "F 1 1 100 99%% /"\n' >/usr/bin/df; chmod 755 /usr/bin/df`)
		}, "no_space", "/usr/bin has no room for", "mv /usr/bin/df.there /usr/bin/df"},
		{"no tools", pins, func(f *fleet) {
			f.on("web-3", "mv /usr/bin/gzip /usr/bin/gzip.there; mv /usr/bin/sha256sum /usr/bin/sha256sum.there")
		},
			"tool_missing", "this host lacks sha256sum gzip", "mv /usr/bin/gzip.there /usr/bin/gzip; mv /usr/bin/sha256sum.there /usr/bin/sha256sum"},
		{"a folder in its place", pins, func(f *fleet) { f.on("web-3", "mv /usr/bin/aide-node /srv/aside; mkdir /usr/bin/aide-node") },
			"state_unwritable", "/usr/bin/aide-node is a folder", "rmdir /usr/bin/aide-node; mv /srv/aside /usr/bin/aide-node"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := f.in(t)
			f.on("web-3", "cp -p /var/lib/aide-node/previous/aide-node /usr/bin/aide-node")
			f.publish(tc.pins)
			if tc.before != nil {
				tc.before(f)
			}
			steps, line := f.install("web-3")
			assert.Equal(t, result.Failed, line.Status, "%+v\n%q", line, steps)
			assert.Equal(t, tc.reason, line.Reason)
			assert.Contains(t, line.Message, tc.message)
			if tc.after != "" {
				f.on("web-3", tc.after)
			}
			if v := f.says("web-3", "aide-node version"); v != first {
				t.Errorf("there is %s now, want %s", v, first)
			}
			f.tidy("web-3")
			if tc.name == "no right to read" && !strings.Contains(steps[0], "http request failed. status:403 Forbidden") {
				t.Errorf("the download says %q", steps[0])
			}
		})
	}

	t.Run("what is wrong is mended", func(t *testing.T) {
		f := f.in(t)
		f.s3(http.MethodPut, key, []byte("evil"))
		if h := f.sweep(0, "install", "--bucket", lab.Bucket, "--prefix", at.Prefix, "--packages", packages, "--tag", "role=web")["web-3"]; h.Node != version {
			t.Errorf("%+v", h)
		}
	})

	t.Run("left by a run that was killed", func(t *testing.T) {
		f := f.in(t)
		f.on("web-3", "cp -p /var/lib/aide-node/previous/aide-node /usr/bin/aide-node; touch /usr/bin/.aide-node.new.999999999")
		if _, line := f.install("web-3"); line.Status != result.Clean {
			t.Errorf("%+v", line)
		}
		f.tidy("web-3")
	})

	t.Run("busybox", func(t *testing.T) {
		f := f.in(t)
		if _, err := os.Stat("/usr/bin/busybox"); err != nil {
			t.Skip("busybox is not installed here: apt-get install busybox")
		}
		// Everything that the script calls, its shell included.
		f.on("cache-1", `for tool in dash sha256sum tar gzip uname df od tail tr cut wc stat dirname readlink ln sync cp mv rm chmod mkdir; do
			ln -sf /.os/usr/bin/busybox /usr/bin/$tool; done; ln -sf /.os/usr/bin/busybox /usr/bin/sh`)
		steps, line := f.install("cache-1")
		require.Equal(t, result.Clean, line.Status, "%+v: %q", line, steps)
		assert.Equal(t, version, line.Node)
		assert.Contains(t, steps[len(steps)-1], "in place of ")
		if v := f.says("cache-1", "aide-node version"); v != "aide-node "+version {
			t.Errorf("there is %s", v)
		}
		f.tidy("cache-1")
	})
}

// TestDocumentPins: a command runs the very document that it names, or none.
func TestDocumentPins(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	var list []deploy.Entry
	out, _ := f.run(0, "documents", "list", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	at := slices.IndexFunc(list, func(e deploy.Entry) bool { return e.Name == documents.Check })
	e := list[at]
	require.Equal(t, deploy.IsSame, e.State, "%+v", e)
	require.Equal(t, "1", e.Default)
	require.Equal(t, "1", e.Latest)
	require.Equal(t, deploy.Instances, e.Target)
	require.True(t, regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(e.Hash), "%+v", e)
	e = list[len(list)-1]
	assert.Equal(t, documents.Install, e.Name, "%+v", e)
	assert.Equal(t, deploy.IsPinned, e.State)
	hash := list[at].Hash
	f.run(0, "sweep", "--tag", "role=web", "--document-version", "1", "--document-hash", hash)
	f.run(0, "sweep", "--tag", "role=web", "--document-version", "$LATEST")
	before := f.calls()["SendCommand"]
	for _, tc := range []struct {
		exit int
		args []string
		want string
	}{
		{1, []string{"--document-version", "2"}, "send AideFleet-Check version 2: InvalidDocumentVersion: "},
		{1, []string{"--document-hash", strings.Repeat("0", 64)}, "send AideFleet-Check with SHA-256 " + strings.Repeat("0", 64) + ": InvalidDocument: "},
		{2, []string{"--document-version", "0"}, `--document-version "0": want a number`},
		{2, []string{"--document-hash", hash[1:]}, "--document-hash"},
	} {
		_, said := f.run(tc.exit, append([]string{"sweep", "--tag", "role=web"}, tc.args...)...)
		assert.Contains(t, said, tc.want, "%q says %q", tc.args, said)
		assert.Equal(t, 1, strings.Count(said, "\n"), tc.args)
	}
	if after := f.calls()["SendCommand"]; after-before != 2 {
		t.Errorf("%d calls of SendCommand, want 2", after-before)
	}
}
