// Package lab is a fleet in a box: local AWS endpoints and sandboxed hosts with
// a real AIDE, a real aide-node and an agent that runs the real documents. The
// orchestrator does not know the difference: only the endpoint differs.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"aidefleet/lab/agent"
	"aidefleet/lab/cloud"
	"aidefleet/lab/cloudwatch"
	"aidefleet/lab/host"
	"aidefleet/lab/s3"
	"aidefleet/lab/sigv4"
)

// Where and as whom a lab is used.
const (
	DefaultAddr = "127.0.0.1:4580"
	region      = "us-east-1"
	userAccount = "123456789012"
	Bucket      = "aidefleet-lab"
	userKey     = "lab"  // the access key of whoever uses the lab
	hostKey     = "host" // that of the hosts: what may do what an agent does, and no more
)

// Options say how a lab is made.
type Options struct {
	Dir  string // its folder
	Addr string // HOST:PORT on the loopback interface; port 0 is a free one
	Node string // path of the aide-node binary that is installed on the hosts
	// Orchestrator is the path of the program that Prepare runs.
	Orchestrator string
	Agent        string // path of an amazon-ssm-agent; empty for the stand-in

	// Layouts puts a host of each in the place of the seven. AIDEs is a folder with
	// AIDEs as .ci/aides makes it: each host gets the one that stands in for its
	// distribution's; empty for the machine's AIDE on all.
	Layouts []host.Layout
	AIDEs   string

	// Simulate puts simulated hosts in the place of the sandboxed ones; then
	// no program is looked at.
	Simulate *Simulation
}

// Lab is a lab that is up.
type Lab struct {
	dir      string
	url      string
	keys     *sigv4.Keys
	operator string // path of the orchestrator
	lock     *os.File
	log      *os.File
	cloud    account
	server   *http.Server
	objects  *http.Server // S3 for real agents, nil if there are none
	s3       *host.S3     // where that is
	hosts    []*host.Host
	members  []member
}

// account is the lab's AWS.
type account interface {
	http.Handler
	Online(instance string) bool
	Close()
}

// Up makes a lab and starts it. It ends with this process, killed or not.
func Up(ctx context.Context, o Options) (_ *Lab, err error) {
	if o.Simulate == nil {
		if err := host.Check(); err != nil {
			return nil, fmt.Errorf("this machine cannot run the lab's hosts:\n%w", err)
		}
		for _, p := range [][2]string{{"node", o.Node}, {"orchestrator", o.Orchestrator}} {
			if info, err := os.Stat(p[1]); err != nil || !info.Mode().IsRegular() {
				return nil, fmt.Errorf("no program at %s: make build makes it, --%s says where it is", p[1], p[0])
			}
		}
	}
	listener, err := listen(o.Addr)
	if err != nil {
		return nil, err
	}
	l := &Lab{dir: o.Dir, url: "http://" + listener.Addr().String(), operator: o.Orchestrator, members: members}
	if len(o.Layouts) > 0 {
		l.members = hostsOf(o.Layouts)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close(), closeOnce(listener))
		}
	}()
	if l.lock, err = claim(o.Dir); err != nil {
		return nil, err
	}
	if l.keys, err = newKeys(o.Dir); err != nil {
		return nil, err
	}
	if l.log, err = os.Create(filepath.Join(o.Dir, "lab.log")); err != nil {
		return nil, err
	}
	if err := l.serve(listener, o); err != nil {
		return nil, err
	}
	if o.Simulate == nil {
		if err := l.start(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := (State{URL: l.url, PID: os.Getpid()}).write(o.Dir); err != nil {
		return nil, err
	}
	return l, nil
}

// listen refuses an address that others could reach: the lab's hosts run what it is
// sent.
func listen(addr string) (net.Listener, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--addr %q: want HOST:PORT, such as %s", addr, DefaultAddr)
	}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--addr %q: want a loopback address, such as %s", addr, DefaultAddr)
	}
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port in use: %s; give another with --addr, or end the other lab with: lab down", addr)
	}
	return listener, err
}

// closeOnce closes a listener that nobody serves yet.
func closeOnce(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// serve serves the lab's AWS.
func (l *Lab) serve(listener net.Listener, o Options) (err error) {
	logger := slog.New(slog.NewTextHandler(l.log, nil))
	objects := s3.New(region, Bucket)
	objects.Reader(hostKey)
	c := cloud.Config{Region: region, Account: userAccount, Keys: l.keys, Metrics: cloudwatch.New(region, userAccount), Objects: objects, Logger: logger}
	if o.Simulate != nil {
		if l.cloud, err = o.Simulate.simulated(c); err != nil {
			return err
		}
	} else {
		var instances []cloud.Instance
		for _, m := range l.members {
			instances = append(instances, m.instance(time.Now()))
		}
		l.cloud = cloud.New(c, instances...)
	}
	l.server = &http.Server{Handler: loopbackOnly(l.cloud), ReadHeaderTimeout: headerTime, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	go func() { _ = l.server.Serve(listener) }() // until Close
	if address, ok := listener.Addr().(*net.TCPAddr); ok && o.Agent != "" && o.Simulate == nil {
		return l.serveObjects(address.IP, objects, logger)
	}
	return nil
}

// start makes the hosts and starts those whose agent is not offline.
func (l *Lab) start(ctx context.Context, o Options) error {
	var real host.RealAgent
	if o.Agent != "" {
		var err error
		if real, err = host.InstallAgent(o.Agent, filepath.Join(o.Dir, "agent")); err != nil {
			return err
		}
	}
	if err := pack(ctx, o.Node, l.packages()); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(o.Dir, "hosts"), 0o755); err != nil {
		return err
	}
	l.hosts = make([]*host.Host, len(l.members))
	g, ctx := errgroup.WithContext(ctx)
	for i, m := range l.members {
		g.Go(func() (err error) {
			spec := host.Spec{Name: m.name, InstanceID: m.id, Layout: m.layout, Role: m.role, S3: l.s3}
			if o.AIDEs != "" {
				spec.AIDEs, spec.AIDE = o.AIDEs, m.layout.Suite()
			}
			h, err := host.Create(hostDir(o.Dir, m.name), spec, "")
			if err != nil {
				return err
			}
			l.hosts[i] = h
			if m.offline || ctx.Err() != nil {
				return ctx.Err()
			}
			return h.Start(l.agent(h, real))
		})
	}
	return g.Wait()
}

// agent is the agent of a host: the stand-in, unless there is a real one.
func (l *Lab) agent(h *host.Host, real host.RealAgent) host.Agent {
	name, version := h.Layout.Platform()
	c := agent.Config{
		Endpoint: l.url, InstanceID: h.InstanceID, Region: region,
		PlatformName: name, PlatformVersion: version, AgentVersion: "3.3.1611.0", ComputerName: h.Name,
	}
	key, _ := l.keys.Find(hostKey)
	keys := host.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	if real != "" {
		return real.Agent(c, *l.s3, keys)
	}
	return host.StandIn(c, keys)
}

// Ready tells the other commands that the lab can be used.
func (l *Lab) Ready() error {
	return State{URL: l.url, PID: os.Getpid(), Ready: true}.write(l.dir)
}

// URL is the endpoint of all of the lab's services.
func (l *Lab) URL() string { return l.url }

// packages is the folder with the packages of the node.
func (l *Lab) packages() string { return filepath.Join(l.dir, "packages") }

// Prepare publishes the documents, installs the node and takes the baselines, with
// the commands an operator has. What they say goes to out.
func (l *Lab) Prepare(ctx context.Context, out io.Writer) error {
	if err := l.Await(ctx); err != nil {
		return err
	}
	tag, initTag := withAgent, withBaseline
	if l.members[0].tagged {
		tag, initTag = "env=prod", "env=prod"
	}
	for _, args := range [][]string{
		{"documents", "publish"},
		{"install", "--bucket", Bucket, "--packages", l.packages(), "--tag", tag, "--output", "table"},
		{"init", "--tag", initTag, "--output", "table"},
	} {
		cmd := l.Orchestrator(ctx, args...)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("orchestrator %s: %w", strings.Join(args, " "), err)
		}
	}
	return nil
}

// Await returns when every agent has registered that will.
func (l *Lab) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, m := range l.members {
		for !m.offline && !l.cloud.Online(m.id) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("the agent of %s has not registered: %w (see %s)", m.name, ctx.Err(), filepath.Join(hostDir(l.dir, m.name), "agent.log"))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// Orchestrator is the orchestrator as an operator of the lab runs it.
func (l *Lab) Orchestrator(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.operator, args...)
	// What the operator has set for real accounts must not get in.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "ORCHESTRATOR_")
	})
	cmd.Env = append(cmd.Env, l.environment()...)
	return cmd
}

// Deploy does to the hosts what the demo is about: a new version of the
// application on the web servers; on the database server, a line in /etc/passwd
// and a file that nobody deployed.
func (l *Lab) Deploy() error {
	for _, h := range l.hosts {
		var files map[string]host.File
		switch h.Role {
		case "web":
			files = host.App(h.Role, "1.1")
		case "db":
			passwd, err := h.Read("/etc/passwd")
			if err != nil {
				return err
			}
			files = map[string]host.File{
				"/etc/passwd":         {Content: passwd + "backdoor:x:0:0::/:/bin/sh\n"},
				"/etc/cron.d/.update": {Content: "* * * * * root /tmp/.x\n"},
			}
		}
		if err := h.Write(files); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the hosts and the services; the folder stays.
func (l *Lab) Close() error {
	var g errgroup.Group
	for _, h := range l.hosts {
		if h != nil {
			g.Go(h.Stop)
		}
	}
	err := g.Wait()
	if l.server != nil {
		l.cloud.Close()
		err = errors.Join(err, l.server.Close())
	}
	if l.objects != nil {
		err = errors.Join(err, l.objects.Close())
	}
	for _, f := range []*os.File{l.log, l.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Exec runs a program on a host of the lab in dir, and returns its exit status.
func Exec(ctx context.Context, dir, name string, argv []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	if _, _, err := Read(dir); err != nil {
		return -1, err
	}
	made, err := os.ReadDir(filepath.Join(dir, "hosts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return -1, err
	}
	var names []string
	for _, h := range made {
		names = append(names, h.Name())
	}
	if !slices.Contains(names, name) {
		return -1, fmt.Errorf("no host %q in the lab: there are %s", name, strings.Join(names, ", "))
	}
	h, err := host.Open(hostDir(dir, name))
	if err != nil {
		return -1, err
	}
	return h.Exec(ctx, argv, stdin, stdout, stderr)
}
