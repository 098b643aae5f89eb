package host

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aidefleet/lab/agent"
)

// Agent says how a host's agent is started. When it ends, so does the sandbox.
type Agent struct {
	Args  []string // program and arguments, as the sandbox sees them
	Env   []string // "KEY=value"; a PATH is there anyway
	Stdin string   // what the agent reads

	Mounts map[string]string // path in the sandbox → file or folder of this machine, for reading only
	Files  map[string]string // path in the sandbox → content of a file that only this host has, for reading only
}

// agentMounts writes the agent's files and returns all that has to be mounted.
func (h *Host) agentMounts(a Agent) (map[string]string, error) {
	mounts := make(map[string]string)
	for target, source := range a.Mounts {
		mounts[target] = source
	}
	for target, content := range a.Files {
		source := filepath.Join(h.dir, "agent", strings.ReplaceAll(strings.TrimPrefix(target, "/"), "/", "_"))
		if err := os.WriteFile(source, []byte(content), 0o644); err != nil {
			return nil, err
		}
		mounts[target] = source
	}
	return mounts, nil
}

// Credentials sign an agent's requests.
type Credentials struct{ AccessKeyID, SecretAccessKey string }

func (c Credentials) env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey}
}

// StandIn is the lab's own agent: this very program, run in the sandbox as
// "lab agent", which reads its configuration (agent.ParseConfig) from
// its standard input.
func StandIn(c agent.Config, creds Credentials) Agent {
	return Agent{Args: []string{labProgram, "agent"}, Env: creds.env(), Stdin: c.Encode()}
}

// RealAgent is a folder with an amazon-ssm-agent as InstallAgent makes it.
type RealAgent string

const (
	agentProgram = "amazon-ssm-agent"
	agentFolder  = "/opt/ssm-agent" // in the sandbox
	agentConfig  = "configuration/amazon-ssm-agent.json"
)

// agentWorkers are the programs that the agent looks for beside itself.
var agentWorkers = []string{"ssm-agent-worker", "ssm-document-worker", "ssm-session-worker"}

// InstallAgent copies the amazon-ssm-agent at path, with the workers beside it,
// into the new folder dir, one for all hosts. The agent takes its workers and its
// configuration from its own folder only if that belongs to root, in the sandbox:
// there, a copy does, whoever the original belongs to.
func InstallAgent(program, dir string) (RealAgent, error) {
	if err := checkAgent(program); err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	if err := os.Mkdir(filepath.Join(dir, path.Dir(agentConfig)), 0o755); err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	// A place to mount each host's own configuration on.
	if err := os.WriteFile(filepath.Join(dir, agentConfig), nil, 0o644); err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	if err := copyProgram(program, filepath.Join(dir, agentProgram)); err != nil {
		return "", fmt.Errorf("install agent: %w", err)
	}
	for _, worker := range agentWorkers {
		if err := copyProgram(filepath.Join(filepath.Dir(program), worker), filepath.Join(dir, worker)); err != nil {
			return "", fmt.Errorf("install agent: %w", err)
		}
	}
	return RealAgent(dir), nil
}

func checkAgent(program string) error {
	for _, name := range append([]string{filepath.Base(program)}, agentWorkers...) {
		file := filepath.Join(filepath.Dir(program), name)
		info, err := os.Stat(file)
		switch {
		case err != nil && name != filepath.Base(program):
			return fmt.Errorf("%s needs %s beside it: %w", program, name, err)
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no file", file)
		case info.Mode()&0o111 == 0:
			return fmt.Errorf("%s is not executable", file)
		}
	}
	return nil
}

// Agent is the installed agent with a host's configuration. Of c it takes the
// endpoint, the instance and the region; the rest it finds out itself. It asks for S3 by
// TLS only, and with the bucket before the name that it is given.
func (r RealAgent) Agent(c agent.Config, s3 S3, creds Credentials) Agent {
	type object = map[string]any
	config, err := json.MarshalIndent(object{
		"Mds": object{"Endpoint": c.Endpoint},
		"Ssm": object{"Endpoint": c.Endpoint},
		"S3":  object{"Endpoint": s3.endpoint()},
		// This channel cannot be switched off, but it may fail.
		"Mgs":   object{"Endpoint": "https://127.0.0.1:9"},
		"Agent": object{"ServiceDomain": "invalid"},
		"Identity": object{
			"ConsumptionOrder": []string{"CustomIdentity"},
			"CustomIdentities": []object{{
				"InstanceID": c.InstanceID, "Region": c.Region, "AvailabilityZone": c.Region + "a",
				"InstanceType": "t3.micro", "CredentialsProvider": "DEFAULT",
			}},
		},
	}, "", "  ")
	if err != nil {
		panic(err) // strings only
	}
	return Agent{
		Args:   []string{path.Join(agentFolder, agentProgram)},
		Env:    append(creds.env(), "AWS_EC2_METADATA_DISABLED=true"),
		Mounts: map[string]string{agentFolder: string(r)},
		Files:  map[string]string{path.Join(agentFolder, agentConfig): string(config)},
	}
}
