package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"time"

	"aidefleet/lab/host"
	"aidefleet/lab/s3"
)

// serveObjects serves S3 beside the endpoint of all services, on a port of its own, as
// a real agent asks for it. No other service is there.
func (l *Lab) serveObjects(ip net.IP, objects *s3.Store, logger *slog.Logger) error {
	authority, certificate, err := certify(s3.Name(region))
	if err != nil {
		return fmt.Errorf("make a certificate for S3: %w", err)
	}
	listener, err := tls.Listen("tcp", net.JoinHostPort(ip.String(), "0"), &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return err
	}
	l.s3 = &host.S3{
		Address: listener.Addr().String(), Names: []string{s3.Name(region), Bucket + "." + s3.Name(region)}, Authority: authority,
	}
	l.objects = &http.Server{Handler: bucketsOnly(objects, l.cloud), ReadHeaderTimeout: headerTime, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	go func() { _ = l.objects.Serve(listener) }() // until Close
	return nil
}

// bucketsOnly refuses requests for any other name than those of S3 and of its buckets
// that are here. A request for such a name is one for S3 whatever else it says, and is
// verified as all are, its name included.
func bucketsOnly(objects *s3.Store, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !objects.Serves(r.Host) {
			http.Error(w, fmt.Sprintf("the lab's S3 has no bucket of the name %q", r.Host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// certify makes a certificate for a name and all names right below it, and the one of
// the authority that signed it, in PEM. The authority can vouch for no other names, and
// its key is gone when this returns: nobody can have anything else signed.
func certify(name string) (authority string, certificate tls.Certificate, err error) {
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aidefleet lab"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{name},
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name, "*." + name},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", certificate, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", certificate, err
	}
	caText, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return "", certificate, err
	}
	text, err := x509.CreateCertificate(rand.Reader, server, ca, &key.PublicKey, caKey)
	if err != nil {
		return "", certificate, err
	}
	authority = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caText}))
	return authority, tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}, nil
}
