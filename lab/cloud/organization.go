package cloud

import (
	"net/http"
	"slices"

	"aidefleet/lab/sigv4"
)

// Organization is several accounts, each in several regions, behind one
// http.Handler. A request goes where its signature says: into the account of its
// credentials, in the region of its scope.
type Organization struct {
	clouds []*Cloud // the first is the user's
}

// NewOrganization puts accounts together, which have the same keys. The first is that
// of the user.
func NewOrganization(clouds ...*Cloud) *Organization {
	return &Organization{clouds: clouds}
}

// ServeHTTP answers every request of every service, and GET /lab/stats.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == statsPath {
		serveStats(w, r, o.clouds...)
		return
	}
	o.cloud(r).ServeHTTP(w, r)
}

// cloud is where a request belongs, by what it says. It refuses what is not true.
func (o *Organization) cloud(r *http.Request) *Cloud {
	own := o.clouds[0]
	s, _ := sigv4.Parse(r.Header.Get("Authorization")) // own refuses what has none
	key, _ := own.config.Keys.Find(s.KeyID)
	for _, c := range o.clouds {
		if c.config.Account == key.Account && c.config.Region == s.Region {
			return c
		}
	}
	return own
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
