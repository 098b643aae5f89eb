package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"aidefleet/lab/sigv4"
)

// headerTime is how long a client may take to send the head of a request.
const headerTime = 10 * time.Second

// newKeys makes the keys of a lab that is new in dir: the hosts', and the user's,
// whose secret only the user of this machine can read who made the lab.
func newKeys(dir string) (*sigv4.Keys, error) {
	user := sigv4.Key{ID: userKey, Secret: sigv4.Secret(), Account: userAccount}
	hosts := sigv4.Key{ID: hostKey, Secret: sigv4.Secret(), Account: userAccount, Agent: true}
	f, err := os.OpenFile(filepath.Join(dir, secretFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(user.Secret + "\n")
	return sigv4.New(user, hosts), errors.Join(err, f.Close())
}

// Environment is what makes an SDK, the AWS CLI and the orchestrator use the lab in dir, as
// KEY=value. The error is ErrNone if there is none.
func Environment(dir string) ([]string, error) {
	s, _, err := Read(dir)
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(filepath.Join(dir, secretFile))
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: only who started the lab can use it", err)
	}
	if err != nil {
		return nil, err
	}
	return environment(dir, s.URL, strings.TrimSpace(string(secret))), nil
}

func (l *Lab) environment() []string {
	key, _ := l.keys.Find(userKey)
	return environment(l.dir, l.url, key.Secret)
}

// environment includes a ledger of the lab's own: what is true of its hosts must not get
// into the user's.
func environment(dir, url, secret string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + url,
		"AWS_REGION=" + region,
		"AWS_DEFAULT_REGION=" + region, // the AWS CLI's name for it
		"AWS_ACCESS_KEY_ID=" + userKey,
		"AWS_SECRET_ACCESS_KEY=" + secret,
		"ORCHESTRATOR_LEDGER=" + Ledger(dir),
	}
}

// Config makes an SDK's client use the lab.
func (l *Lab) Config() aws.Config {
	key, _ := l.keys.Find(userKey)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(l.url),
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	}
}

// loopbackOnly refuses requests for any other name than this machine's own. A page
// in a browser can have a name that leads here, and asks for that.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, fmt.Sprintf("the lab is localhost or a loopback address, not %q", r.Host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback says that a name or an address, with a port or without, is this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}
