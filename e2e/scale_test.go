package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/report"
)

// simulated is a lab of simulated hosts that is up.
type simulated struct {
	tb       testing.TB
	dir, url string
}

// simulate starts a lab of n hosts.
func simulate(tb testing.TB, n int, options ...string) simulated {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "lab")
	args := append([]string{"lab", "up", "--dir", dir, "--addr", "127.0.0.1:0", "--simulate", strconv.Itoa(n)}, options...)
	up := program(nil, args...)
	var said bytes.Buffer
	up.Stderr = &said
	stdout, err := up.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := up.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = up.Process.Signal(os.Interrupt)
		_ = up.Wait()
	})
	first, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("lab up: %v: %s", err, said.String())
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return simulated{tb, dir, regexp.MustCompile(`http://[0-9.:]+[0-9]`).FindString(first)}
}

// stats are the lab's: how often each operation was called, and what is true.
type stats struct {
	Calls  map[string]int
	Faults map[string]int
	Truth  map[string]report.Host
}

func (s simulated) stats() (got stats) {
	s.tb.Helper()
	resp, err := http.Get(s.url + "/lab/stats")
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		s.tb.Fatal(err)
	}
	return got
}

func (s simulated) program(args ...string) *exec.Cmd {
	return program(s.environment(), args...)
}

// environment is that of who uses the lab at the simulated's URL.
func (s simulated) environment() []string {
	s.tb.Helper()
	list, err := lab.Environment(s.dir)
	if err != nil {
		s.tb.Fatal(err)
	}
	return append(list, "AWS_ENDPOINT_URL="+s.url)
}

// credentials are those of who uses the lab.
func (s simulated) credentials() aws.Credentials {
	s.tb.Helper()
	var c aws.Credentials
	for _, v := range s.environment() {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "AWS_ACCESS_KEY_ID":
			c.AccessKeyID = value
		case "AWS_SECRET_ACCESS_KEY":
			c.SecretAccessKey = value
		}
	}
	return c
}

// sdk makes the SDK's clients use the lab.
func (s simulated) sdk() aws.Config {
	c := s.credentials()
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.url), Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, "")}
}

// s3 makes one request of the lab's S3, by path, as the owner of all buckets, and
// returns what it answers.
func (s simulated) s3(method, path string, body []byte) []byte {
	s.tb.Helper()
	req, err := http.NewRequestWithContext(s.tb.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	const unsigned = "UNSIGNED-PAYLOAD"
	req.Header.Set("X-Amz-Content-Sha256", unsigned)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(s.tb.Context(), s.credentials(), req, unsigned, "s3", "us-east-1", time.Now()); err != nil {
		s.tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.tb, err, "%s %s", method, path)
	require.Equal(s.tb, 2, resp.StatusCode/100, "%s %s: %s %s", method, path, resp.Status, text)
	return text
}

// swept is what a sweep left behind.
type swept struct {
	report.Report
	ended time.Time // of the program
	peak  int64     // of its memory, in bytes
}

// sweep runs a command that reports.
func (s simulated) sweep(args ...string) (got swept) {
	s.tb.Helper()
	cmd := s.program(append(args, "--output", "json")...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Start()
	if err == nil {
		got.peak = watch(cmd.Process.Pid, func() { err = cmd.Wait() })
	}
	got.ended = time.Now()
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 && code != 4 {
		s.tb.Fatalf("orchestrator %s: %v\n%.2000s", strings.Join(args, " "), err, said.String())
	}
	if err := json.Unmarshal(out.Bytes(), &got.Report); err != nil {
		s.tb.Fatal(err)
	}
	return got
}

// watch is the most memory that a process has used until wait returns, in bytes.
func watch(pid int, wait func()) (most int64) {
	ended := make(chan struct{})
	go func() { defer close(ended); wait() }()
	for {
		most = max(most, peak(pid))
		select {
		case <-ended:
			return most
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// peak is the most memory that a running process has used, in bytes. What wait4
// says of one that has ended includes what its parent had at the fork.
func peak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// compare holds a report against the truth, host by host.
func compare(tb testing.TB, r report.Report, truth map[string]report.Host) {
	tb.Helper()
	wrong := 0
	fail := func(format string, args ...any) {
		if wrong++; wrong <= 5 {
			tb.Errorf(format, args...)
		}
	}
	seen := make(map[string]bool)
	for _, h := range r.Hosts {
		want, ok := truth[h.Instance]
		switch {
		case seen[h.Instance]:
			fail("%s is reported twice", h.Instance)
		case !ok:
			fail("%s is reported and is none", h.Instance)
		case h.Status != want.Status || h.Reason != want.Reason:
			fail("%s is %s %s, want %s %s", h.Instance, h.Status, h.Reason, want.Status, want.Reason)
		case (h.Counts == nil) != (want.Counts == nil) || h.Counts != nil && (h.Added != want.Added || h.Removed != want.Removed || h.Changed != want.Changed):
			fail("%s has %+v, want %+v", h.Instance, h.Counts, want.Counts)
		}
		seen[h.Instance] = true
	}
	if len(seen) != len(truth) {
		fail("%d hosts are reported, want %d", len(seen), len(truth))
	}
	if wrong > 5 {
		tb.Errorf("and %d more", wrong-5)
	}
}

// faults are what AWS may throw in between, all at once.
func faults(seed int) []string {
	return []string{
		"--seed", strconv.Itoa(seed), "--throttle-rate", "0.05", "--error-rate", "0.01", "--reset-rate", "0.01",
		"--repeat-pages", "0.05", "--consistency-delay", "2s", "--fail", "0.03", "--garbage", "0.02", "--long-output", "0.05",
		"--stopped", "0.02", "--unmanaged", "0.02", "--undeliverable", "0.01", "--time-out", "0.01", "--kill-worker", "0.01", "--hybrid", "0.1",
	}
}

// once fails unless the command was sent once: calls that were refused, or whose
// answer was lost, are counted by the lab, but there is one command.
func once(tb testing.TB, r report.Report) {
	tb.Helper()
	if len(r.Commands) != 1 {
		tb.Errorf("%d commands, want 1", len(r.Commands))
	}
}

func TestScaleWithFaults(t *testing.T) {
	for seed := range 3 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := simulate(t, 400, append(faults(seed), "--latency", "2ms", "--speed", "300")...)
			got := s.sweep("sweep", "--tag", "env=prod")
			compare(t, got.Report, s.stats().Truth)
			once(t, got.Report)
		})
	}
}

// TestScaleAll: a fleet that is reached by the names of its hosts, fifty a command.
func TestScaleAll(t *testing.T) {
	s := simulate(t, 170, "--latency", "2ms", "--speed", "300", "--hybrid", "0.2", "--stopped", "0.05", "--unmanaged", "0.05")
	got := s.sweep("sweep", "--all")
	truth := s.stats().Truth
	require.Len(t, got.Commands, 4)
	assert.Len(t, got.Hosts, 170, "%d commands for %d hosts", len(got.Commands), len(got.Hosts))
	// The commands name only those that SSM can reach.
	for _, h := range got.Hosts {
		if _, named := truth[h.Instance]; !named && h.Status == report.Missing {
			truth[h.Instance] = h
		}
	}
	compare(t, got.Report, truth)
}

// TestScaleAccounts: hosts of two accounts in two regions, hybrid nodes among them,
// in one sweep under faults. Each command is sent once, and each account and region
// has its own metrics.
func TestScaleAccounts(t *testing.T) {
	s := simulate(t, 150, append(faults(7), "--accounts", "2", "--regions", "2", "--latency", "2ms", "--speed", "300")...)
	roles := []string{"--role-arn", "arn:aws:iam::" + lab.Account(0) + ":role/aidefleet", "--role-arn", "arn:aws:iam::" + lab.Account(1) + ":role/aidefleet"}
	got := s.sweep(append([]string{"sweep", "--tag", "env=prod", "--region", lab.Regions[0], "--region", lab.Regions[1]}, roles...)...)
	compare(t, got.Report, s.stats().Truth)
	require.Len(t, got.Commands, 4)
	assert.Empty(t, got.Errors, "%d commands, errors %v: want one command in each account and region", len(got.Commands), got.Errors)
	at := map[string]int{}
	for _, h := range got.Hosts {
		at[h.Account+" "+h.Region]++
	}
	for _, account := range []string{lab.Account(0), lab.Account(1)} {
		for _, region := range lab.Regions[:2] {
			if n := at[account+" "+region]; n < 100 {
				t.Errorf("%d hosts of %s in %s, want nine in ten of 150", n, account, region)
			}
		}
	}
}

// TestScaleSessionEnds: the credentials of a role are refused in the middle of a
// sweep, again and again, and renewed.
func TestScaleSessionEnds(t *testing.T) {
	s := simulate(t, 500, "--latency", "2ms", "--hybrid", "0.2", "--session", "700ms")
	got := s.sweep("sweep", "--tag", "env=prod", "--role-arn", "arn:aws:iam::123456789012:role/aidefleet")
	stats := s.stats()
	compare(t, got.Report, stats.Truth)
	once(t, got.Report)
	assert.NotZero(t, stats.Faults["sessions_ended"], "%d calls with an ended session, %d sessions: want some", stats.Faults["sessions_ended"], stats.Calls["AssumeRole"])
	assert.GreaterOrEqual(t, stats.Calls["AssumeRole"], 2)
}

// TestScaleCalls is about the least number of calls.
func TestScaleCalls(t *testing.T) {
	s := simulate(t, 1000, "--latency", "1ms", "--speed", "300")
	got := s.sweep("sweep", "--tag", "env=prod")
	stats := s.stats()
	compare(t, got.Report, stats.Truth)
	n := len(got.Hosts)
	pages := (n + 49) / 50
	for operation, most := range map[string]int{
		"SendCommand": 1, "ListCommandInvocations": pages + pages/10, "PutMetricData": (3*n+999)/1000 + 1, "GetCommandInvocation": 0,
	} {
		if calls := stats.Calls[operation]; calls > most {
			t.Errorf("%d calls of %s for %d hosts, want at most %d", calls, operation, n, most)
		}
	}
}

// TestScaleInterrupted interrupts a sweep, and collects it later.
func TestScaleInterrupted(t *testing.T) {
	s := simulate(t, 300, "--latency", "2ms", "--speed", "60")
	interrupt(t, s, 700*time.Millisecond)
}

// interrupt interrupts a sweep after a while. Its command is cancelled, and
// collecting it tells the truth about every host.
func interrupt(tb testing.TB, s simulated, after time.Duration) {
	tb.Helper()
	cmd := s.program("sweep", "--tag", "env=prod", "--output", "json")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	id := regexp.MustCompile(`command ([0-9a-f-]{36})`).FindStringSubmatch(said.String())
	switch code := cmd.ProcessState.ExitCode(); {
	case id == nil && code == 130:
		return // before anything was sent
	case id == nil || code != 130 && code != 0 && code != 3 && code != 4: // it may have been done already
		tb.Fatalf("after %s: exit %d: %s", after, code, said.String())
	}
	got := s.sweep("collect", "--command-id", id[1])
	compare(tb, got.Report, s.stats().Truth)
}

// BenchmarkSweep is a sweep of many hosts at 30 ms a call: the calls beside the
// pages that there are, the time from the last host's end to the report beside
// that of reading them, and the peak of memory.
func BenchmarkSweep(b *testing.B) {
	const latency = 30 * time.Millisecond
	for _, n := range []int{1_000, 10_000, 50_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := simulate(b, n, "--latency", latency.String())
			for b.Loop() {
				before := s.stats().Calls
				got := s.sweep("sweep", "--tag", "env=prod,dev")
				after := s.stats()
				compare(b, got.Report, after.Truth)
				hosts := len(got.Hosts)
				pages := float64((hosts + 49) / 50)
				delay := got.ended.Sub(got.Finished)
				b.ReportMetric(float64(after.Calls["ListCommandInvocations"]-before["ListCommandInvocations"])/pages, "pages/needed")
				b.ReportMetric(float64(delay)/(pages*float64(latency)), "delay/reading")
				b.ReportMetric(float64(got.peak)/(1<<20), "MiB")
				b.ReportMetric(float64(after.Calls["SendCommand"]-before["SendCommand"]), "SendCommand")
				b.ReportMetric(float64(after.Calls["ListCommands"]-before["ListCommands"]), "ListCommands")
				b.ReportMetric(float64(after.Calls["PutMetricData"]-before["PutMetricData"]), "PutMetricData")
				b.ReportMetric(float64(after.Calls["GetCommandInvocation"]), "GetCommandInvocation")
			}
		})
	}
}

// BenchmarkLedger is a sweep of many hosts that the ledger knows, beside the same sweep
// without a ledger, and its peak of memory.
func BenchmarkLedger(b *testing.B) {
	const latency = 30 * time.Millisecond
	for _, n := range []int{10_000, 50_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := simulate(b, n, "--latency", latency.String())
			s.sweep("sweep", "--tag", "env=prod,dev", "--no-publish")
			took := func(args ...string) (time.Duration, int64) {
				began := time.Now()
				got := s.sweep(append([]string{"sweep", "--tag", "env=prod,dev", "--no-publish"}, args...)...)
				return got.ended.Sub(began), got.peak
			}
			for b.Loop() {
				without, small := took("--ledger", "none")
				with, large := took()
				b.ReportMetric(float64(with)/float64(without), "time/without")
				b.ReportMetric(float64(large)/(1<<20), "MiB")
				b.ReportMetric(float64(small)/(1<<20), "MiB-without")
			}
		})
	}
}

// BenchmarkGroups is a sweep of many hosts, half of which show some of 30 groups of changes,
// beside the same sweep of hosts that tell none: the time and the peak of memory.
func BenchmarkGroups(b *testing.B) {
	const n, rounds = 10_000, 3
	of := func(groups string) (least time.Duration, peak int64) {
		s := simulate(b, n, "--latency", "30ms", "--drift", "0.5", "--groups", groups)
		for range rounds {
			began := time.Now()
			got := s.sweep("sweep", "--tag", "env=prod,dev")
			if took := got.ended.Sub(began); least == 0 || took < least {
				least, peak = took, got.peak
			}
		}
		return least, peak
	}
	for b.Loop() {
		without, small := of("0")
		with, large := of("30")
		b.ReportMetric(float64(with)/float64(without), "time/without")
		b.ReportMetric(float64(large)/float64(small), "memory/without")
	}
}

// BenchmarkFaults sweeps 10,000 hosts under faults with 20 seeds, five at a time:
// a sweep that is throttled mostly waits. Each report must be the truth.
func BenchmarkFaults(b *testing.B) {
	const seeds = 20
	for b.Loop() {
		var g errgroup.Group
		g.SetLimit(5)
		for seed := range seeds {
			s := simulate(b, 10_000, append(faults(seed), "--latency", "5ms")...)
			g.Go(func() error {
				got := s.sweep("sweep", "--tag", "env=prod")
				compare(b, got.Report, s.stats().Truth)
				once(b, got.Report)
				return nil
			})
		}
		_ = g.Wait()
	}
	b.ReportMetric(seeds, "seeds")
}

// BenchmarkInterrupted interrupts a sweep at 20 random moments.
func BenchmarkInterrupted(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		for range 20 {
			interrupt(b, simulate(b, 1000, "--latency", "10ms"), time.Duration(random.IntN(5000))*time.Millisecond)
		}
	}
	b.ReportMetric(20, "moments")
}
