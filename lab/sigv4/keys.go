// Package sigv4 knows a lab's access keys, and tells who signed a request (AWS
// General Reference, "Signature Version 4").
package sigv4

import (
	"crypto/rand"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Key is an access key, and whose it is.
type Key struct {
	ID, Secret string
	Account    string // twelve digits
	// Agent says that the key is a host's, for what its agent does.
	Agent bool

	// Token and Made are those of a session, the credentials of a role.
	Token string
	Made  time.Time
}

// Keys are the access keys of a lab. They are safe for concurrent use.
type Keys struct {
	signer *v4.Signer       // it keeps the keys that it derives
	now    func() time.Time // a seam for tests

	mu   sync.RWMutex
	byID map[string]Key
}

// New returns these keys.
func New(keys ...Key) *Keys {
	k := &Keys{signer: v4.NewSigner(), now: time.Now, byID: make(map[string]Key)}
	for _, key := range keys {
		k.byID[key.ID] = key
	}
	return k
}

// Session makes the credentials of a role of an account. They are remembered when
// they have ended, so that they can be told from none.
func (k *Keys) Session(account string, made time.Time) Key {
	key := Key{ID: "ASIA" + rand.Text()[:16], Secret: Secret(), Account: account, Token: Secret(), Made: made}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byID[key.ID] = key
	return key
}

// Find returns the key with an id, whoever uses it.
func (k *Keys) Find(id string) (Key, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	key, ok := k.byID[id]
	return key, ok
}

// Secret is a new secret key, which nobody can guess.
func Secret() string { return rand.Text() + rand.Text() }
