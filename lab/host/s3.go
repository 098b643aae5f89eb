package host

import (
	"net"
	"strings"
)

// S3 is where a host's real agent finds S3: by TLS, and with the bucket in the name,
// which is all that such an agent can do.
type S3 struct {
	Address   string   // IP:PORT
	Names     []string // that lead to the IP: the service's, then those of its buckets
	Authority string   // the certificate, in PEM, of who vouches for the names
}

// authorityFile is where the host's programs look for certificates that they trust.
const authorityFile = "/etc/ssl/certs/lab.pem"

// endpoint is what the agent puts a bucket before.
func (s S3) endpoint() string {
	_, port, _ := net.SplitHostPort(s.Address)
	return net.JoinHostPort(s.Names[0], port)
}

// files make a host find S3 and trust it; hosts is its /etc/hosts.
func (s S3) files(hosts string) map[string]File {
	ip, _, _ := net.SplitHostPort(s.Address)
	return map[string]File{
		"/etc/hosts":  {Content: hosts + ip + " " + strings.Join(s.Names, " ") + "\n"},
		authorityFile: {Content: s.Authority},
	}
}
