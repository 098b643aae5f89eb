package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"aidefleet/lab/agent"
	"aidefleet/lab/lab"
	"aidefleet/lab/sigv4"
)

// The tests' own program stands in for amazon-ssm-agent. It insists on what the real one
// insists on, by the source of 3.3.0.0: agent/appconfig (the programs beside it, whose
// they are, and the configuration), common/identity/availableidentities/customidentity,
// and agent/s3util and agent/network (S3). What it runs is the lab's agent, behind a
// relay that speaks with the services as the real one does.

const (
	agentProgram = "amazon-ssm-agent"
	agentWorker  = "ssm-agent-worker"
)

// actAsAgent says that this process is one of an agent's, by the name that it was started
// under, and runs it.
func actAsAgent() (acted bool, err error) {
	dir, err := filepath.Abs(filepath.Dir(os.Args[0]))
	if err != nil {
		return false, err
	}
	switch filepath.Base(os.Args[0]) {
	case agentProgram:
		folder := dir
		for _, name := range []string{"ssm-session-worker", agentWorker} {
			if err := usable(filepath.Join(dir, name)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				folder = "/usr/bin" // and not beside it
			}
		}
		worker := filepath.Join(folder, agentWorker)
		return true, fmt.Errorf("start %s: %w", worker, syscall.Exec(worker, []string{worker}, os.Environ()))
	case agentWorker:
		if err := usable(filepath.Join(dir, "ssm-document-worker")); err != nil {
			return true, err
		}
		return true, work(filepath.Join(dir, "configuration", agentProgram+".json"))
	}
	return false, nil
}

// usable says why the agent does not take a program that is beside it.
func usable(program string) error {
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o511 != 0o511 || mode&0o022 != 0 {
		return fmt.Errorf("%s has the mode %s", program, mode)
	}
	return ofRoot(program, info)
}

func ofRoot(name string, info fs.FileInfo) error {
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != 0 || owner.Gid != 0 {
		return fmt.Errorf("%s is not root's", name)
	}
	return nil
}

// agentConfig is what the stand-in reads of the agent's configuration.
type agentConfig struct {
	Mds, Ssm, Mgs, S3 struct{ Endpoint string }
	Identity          struct {
		ConsumptionOrder []string
		CustomIdentities []struct{ InstanceID, Region, AvailabilityZone, InstanceType, CredentialsProvider string }
	}
}

// s3Endpoint is what the agent takes for S3: no scheme, no bucket, a name of AWS's.
var s3Endpoint = regexp.MustCompile(`^s3[.-]([-a-z0-9]+\.)?amazonaws\.com(:[0-9]+)?$`)

func readConfig(name string) (c agentConfig, err error) {
	for _, p := range []string{filepath.Dir(name), name} {
		info, err := os.Stat(p)
		if err != nil {
			return c, err
		}
		if err := ofRoot(p, info); err != nil {
			return c, err
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	switch {
	case c.Mds.Endpoint == "" || c.Ssm.Endpoint == "" || c.Mgs.Endpoint == "":
		return c, errors.New("without an endpoint it would be AWS's: Mds, Ssm, Mgs")
	case !s3Endpoint.MatchString(c.S3.Endpoint):
		return c, fmt.Errorf("%q is no endpoint of S3", c.S3.Endpoint)
	case !slices.Equal(c.Identity.ConsumptionOrder, []string{"CustomIdentity"}) || len(c.Identity.CustomIdentities) != 1:
		return c, errors.New("it would look for an identity elsewhere")
	}
	if i := c.Identity.CustomIdentities[0]; i.InstanceID == "" || i.Region == "" || i.AvailabilityZone == "" || i.InstanceType == "" || i.CredentialsProvider != "DEFAULT" {
		return c, fmt.Errorf("the identity is incomplete: %+v", i)
	}
	return c, nil
}

// work is what the worker does until it is ended.
func work(configuration string) error {
	c, err := readConfig(configuration)
	if err != nil {
		return fmt.Errorf("%s: %w", configuration, err)
	}
	if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" {
		return errors.New("it would ask the instance metadata service: AWS_EC2_METADATA_DISABLED is not true")
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	identity := c.Identity.CustomIdentities[0]
	server := httptest.NewServer(&relay{agentConfig: c, region: identity.Region, signer: v4.NewSigner(), signerS3: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })})
	defer server.Close()
	return agent.Run(ctx, agent.Config{
		Endpoint: server.URL, InstanceID: identity.InstanceID, Region: identity.Region,
		PlatformName: "Amazon Linux", PlatformVersion: "2023", AgentVersion: "3.3.0.0", ComputerName: name,
	})
}

// relay hands the lab's agent's requests over to where the real one sends them, signed
// once more. S3 is asked by TLS, whose authority has to be known to the host, and with
// the bucket in the name; what is not signed is a download by path.
type relay struct {
	agentConfig
	region           string
	signer, signerS3 *v4.Signer
	transport        http.Transport // asks no proxy, and trusts what the host trusts
}

func (p *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.hand(w, r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (p *relay) hand(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	signature, err := sigv4.Parse(r.Header.Get("Authorization"))
	if err != nil && !errors.Is(err, sigv4.ErrUnsigned) {
		return err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	signer := p.signer
	var to string
	switch signature.Service {
	case "ssm":
		to = p.Ssm.Endpoint
	case "ec2messages":
		to = p.Mds.Endpoint
	case "s3":
		to, signer = "https://"+bucket+"."+p.S3.Endpoint+"/"+key, p.signerS3
	default:
		to = "https://" + p.S3.Endpoint + "/" + bucket + "/" + key
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Content-Sha256"} {
		if value := r.Header.Get(name); value != "" {
			again.Header.Set(name, value)
		}
	}
	if signature.Service != "" {
		sum := sha256.Sum256(body)
		credentials := sdk.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}
		if err := signer.SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), signature.Service, p.region, time.Now()); err != nil {
			return err
		}
	}
	resp, err := p.transport.RoundTrip(again)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, err = io.Copy(w, resp.Body)
	return err
}

// insistent is the path of an agent that insists on what the real one does.
func insistent(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{agentProgram, agentWorker, "ssm-document-worker", "ssm-session-worker"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, agentProgram)
}

// TestAgentGiven: with an agent that is as strict as the real one, the lab publishes,
// installs from S3, takes the baseline and is swept.
func TestAgentGiven(t *testing.T) {
	const name = "amazon-linux"
	f := labUp(t, "--layout", name, "--agent", insistent(t))
	if h := f.sweep(0, "sweep", "--tag", "env=prod")[name]; h.Status != "clean" {
		t.Errorf("%+v, want clean", h)
	}
	f.on(name, "echo changed >>/etc/hosts")
	if h := f.sweep(3, "sweep", "--tag", "env=prod")[name]; !slices.Equal(h.Paths, []string{"~/etc/hosts"}) {
		t.Errorf("%q, want /etc/hosts only", h.Paths)
	}
	// Who may not list the bucket can still read what is in it.
	f.s3(http.MethodPut, "?policy", []byte(`{"Statement":[{"Effect":"Deny","Action":"s3:ListBucket","Resource":"arn:aws:s3:::`+lab.Bucket+`"}]}`))
	f.run(0, "install", "--bucket", lab.Bucket, "--packages", filepath.Join(f.dir, "packages"), "--tag", "env=prod")
}

// TestAgentGivenDoubts: a host that does not know the lab's authority downloads nothing.
func TestAgentGivenDoubts(t *testing.T) {
	const name = "amazon-linux"
	f := labUp(t, "--bare", "--layout", name, "--agent", insistent(t))
	f.on(name, "rm /etc/ssl/certs/lab.pem")
	f.run(0, "documents", "publish")
	h := f.sweep(4, "install", "--bucket", lab.Bucket, "--packages", filepath.Join(f.dir, "packages"), "--tag", "env=prod")[name]
	if h.Reason != "download_failed" {
		t.Errorf("%+v, want download_failed", h)
	}
	log, err := os.ReadFile(filepath.Join(f.dir, "hosts", name, "agent.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte("certificate signed by unknown authority")) {
		t.Errorf("the agent says %s", log)
	}
}
