package cloud

import (
	"fmt"
	"net/http"
	"slices"
)

// Organization is several accounts, each in several regions, behind one
// http.Handler. A request goes where its signature says: into the account of its
// credentials, in the region of its scope.
type Organization struct {
	own    string // account of a caller who has taken no role
	clouds []*Cloud
}

// NewOrganization puts accounts together. The first is that of the user.
func NewOrganization(clouds ...*Cloud) *Organization {
	return &Organization{own: clouds[0].config.Account, clouds: clouds}
}

// ServeHTTP answers every request of every service, and GET /lab/stats.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == statsPath {
		serveStats(w, r, o.clouds...)
		return
	}
	key, region, _ := credential(r)
	account, _, taken := readSession(key)
	if !taken {
		account = o.own
	}
	for _, c := range o.clouds {
		if c.config.Account == account && c.config.Region == region {
			c.ServeHTTP(w, r)
			return
		}
	}
	// A real endpoint has another name in each region: there is nobody to answer.
	http.Error(w, fmt.Sprintf("the lab has no account %s in region %s", account, region), http.StatusNotFound)
}

// Online says that SSM hears of a node's agent, wherever it is.
func (o *Organization) Online(instance string) bool {
	return slices.ContainsFunc(o.clouds, func(c *Cloud) bool { return c.Online(instance) })
}

// Close ends all long polls at once.
func (o *Organization) Close() {
	for _, c := range o.clouds {
		c.Close()
	}
}
