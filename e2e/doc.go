// Package e2e holds the tests that drive the built programs against the lab: real
// AIDE, real documents, real SDK clients.
package e2e
