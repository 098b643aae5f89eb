package agent

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	downloadContent = "aws:downloadContent"
	// downloads is the folder, beside those of the steps, for relative destinations.
	// A script whose working directory is not absolute runs there if it exists.
	downloads = "downloads"
	// downloadTime ends a download; the real agent waits for ever.
	downloadTime = 5 * time.Minute
)

// downloadInput are the inputs of aws:downloadContent.
type downloadInput struct {
	SourceType      string `json:"sourceType"`
	SourceInfo      string `json:"sourceInfo"` // JSON
	DestinationPath string `json:"destinationPath"`
}

// runDownload fetches what a step names (agent/plugins/downloadcontent and its
// s3resource, agent/fileutil/artifact). What it says is what the real agent says.
// Sources other than S3 are refused.
func (a *agent) runDownload(ctx context.Context, c *command, s step, r *stepResult) {
	destination, err := a.download(ctx, c, s.inputs)
	if err != nil {
		r.fail(err.Error())
		return
	}
	said := "Content downloaded to " + destination
	r.status, r.stdout = success, text{said, len(said)}
}

func (a *agent) download(ctx context.Context, c *command, inputs any) (destination string, err error) {
	var in downloadInput
	if b, err := json.Marshal(inputs); err != nil || json.Unmarshal(b, &in) != nil {
		return "", refuse("invalid format in plugin properties %v", inputs)
	}
	switch in.SourceType {
	case "":
		return "", refusal("invalid input: SourceType must be specified")
	case "S3":
	default:
		return "", refuse("invalid input: the lab's agent knows the source type S3, not %s", in.SourceType)
	}
	var info struct {
		Path string `json:"path"`
	}
	if in.SourceInfo == "" {
		return "", refusal("invalid input: SourceInfo must be specified")
	}
	if err := json.Unmarshal([]byte(in.SourceInfo), &info); err != nil {
		return "", refuse("s3 url parsing failed. Source Info could not be unmarshalled for source type S3. Please check JSON format of SourceInfo - %v", err)
	}
	if info.Path = strings.TrimSpace(info.Path); info.Path == "" {
		return "", refusal("S3 source path in SourceInfo must be specified")
	}
	destination = in.DestinationPath
	if !filepath.IsAbs(destination) {
		// Not joined: a slash at its end says that it is a folder.
		destination = filepath.Join(a.commandDir(c.id), downloads) + "/" + destination
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	return destination, a.fetch(ctx, info.Path, destination)
}

// fetch fetches an object, or all objects below a folder. It first looks whether
// there are any; if it may not, what has no slash at its end is taken for an object.
func (a *agent) fetch(ctx context.Context, address, destination string) error {
	// A blank is written as + in the service's own URLs; a plus sign is %2B.
	u, err := url.Parse(strings.ReplaceAll(address, "+", "%20"))
	if err != nil {
		return err
	}
	bucket, key := splitURL(u)
	if bucket == "" || key == "" {
		return refuse("the lab's agent knows no such S3 path: %s", address)
	}
	keys, err := a.objects.list(ctx, bucket, strings.TrimSuffix(key, "/")+"/")
	if err != nil && strings.HasSuffix(key, "/") {
		return err
	}
	if err != nil {
		a.Logger.Info("the bucket cannot be listed, taking the key for an object's", "bucket", bucket, "key", key, "error", err)
	}
	if len(keys) == 0 {
		folder, name := destination, filepath.Base(key)
		if info, err := os.Stat(destination); (err != nil || !info.IsDir()) && !strings.HasSuffix(destination, "/") {
			folder, name = filepath.Dir(destination), filepath.Base(destination)
		}
		return a.fetchObject(ctx, bucket, key, folder, name)
	}
	for _, k := range keys {
		if strings.HasSuffix(k, "/") {
			continue
		}
		below := filepath.Join(destination, filepath.Dir(strings.TrimPrefix(k, key)))
		if err := a.fetchObject(ctx, bucket, k, below, filepath.Base(k)); err != nil {
			return err
		}
	}
	return nil
}

// fetchObject fetches an object into a folder: under the digest of its address,
// with its entity tag in a file beside it that stays there; then it is renamed.
func (a *agent) fetchObject(ctx context.Context, bucket, key, folder, name string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return refuse("failed to create directory=%v, err=%v", folder, err)
	}
	address := &url.URL{Scheme: "https", Host: "s3." + a.Region + ".amazonaws.com", Path: "/" + bucket + "/" + key}
	file := filepath.Join(folder, fmt.Sprintf("%x", sha1.Sum([]byte(strings.ReplaceAll(address.String(), "+", "%2B")))))
	if err := a.objects.get(ctx, bucket, key, file, true); err != nil {
		a.Logger.Warn("download failed, trying again without a signature", "bucket", bucket, "key", key, "error", err)
		if err = a.objects.get(ctx, bucket, key, file, false); err != nil {
			// Whatever went wrong, it is the second try that is told of.
			return errors.Join(err, remove(file), remove(file+".etag"))
		}
	}
	if err := os.Rename(file, filepath.Join(folder, name)); err != nil {
		return refuse("Something went wrong when trying to access downloaded content. It is possible that the content was not downloaded because the path provided is wrong. %v", err)
	}
	return os.Chmod(filepath.Join(folder, name), 0o700)
}

// remove is not told of a file that is not there.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// endpointPattern is a host name of S3, with the bucket in front or without
// (agent/s3util, EndpointPattern).
var endpointPattern = regexp.MustCompile(`^(.+\.)?s3[.-]([a-z0-9-]+)\.`)

// splitURL finds the bucket and the key in the address of an object.
func splitURL(u *url.URL) (bucket, key string) {
	m := endpointPattern.FindStringSubmatch(u.Host)
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case m == nil:
		return "", ""
	case m[1] != "":
		return strings.TrimSuffix(m[1], "."), path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// objects speaks with S3, which on a host of the lab is the lab's endpoint,
// whatever address a document names.
type objects struct{ service }

// refused is what S3 answers instead of an object, and how the real agent's SDK
// writes it.
type refused struct {
	Code, Message string
	RequestID     string `xml:"RequestId"`
	status        int
}

func (e *refused) Error() string {
	return fmt.Sprintf("%s: %s\n\tstatus code: %d, request id: %s, host id: ", e.Code, e.Message, e.status, e.RequestID)
}

func (o objects) do(ctx context.Context, u *url.URL, signed bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if signed {
		sum := sha256.Sum256(nil)
		hash := hex.EncodeToString(sum[:])
		req.Header.Set("X-Amz-Content-Sha256", hash)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err := signer.SignHTTP(ctx, o.credentials, req, hash, "s3", o.region, time.Now()); err != nil {
			return nil, err
		}
	}
	client := *o.http
	client.Timeout = 0 // the context has one
	return client.Do(req)
}

func (o objects) address(bucket, key string) (*url.URL, error) {
	u, err := url.Parse(o.endpoint)
	if err != nil {
		return nil, err
	}
	u.Path = "/" + bucket
	if key != "" {
		u.Path += "/" + key
	}
	return u, nil
}

// list returns the keys that begin with a prefix.
func (o objects) list(ctx context.Context, bucket, prefix string) ([]string, error) {
	u, err := o.address(bucket, "")
	if err != nil {
		return nil, err
	}
	u.RawQuery = url.Values{"prefix": {prefix}}.Encode()
	resp, err := o.do(ctx, u, true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		e := &refused{status: resp.StatusCode}
		if err := xml.Unmarshal(answer, e); err != nil {
			e.Message = resp.Status
		}
		return nil, e
	}
	var out struct {
		Contents []struct{ Key string }
	}
	if err := xml.Unmarshal(answer, &out); err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(out.Contents))
	for _, c := range out.Contents {
		keys = append(keys, c.Key)
	}
	return keys, nil
}

// get writes an object into a file, and its entity tag beside it. What is there
// after an error is left.
func (o objects) get(ctx context.Context, bucket, key, file string, signed bool) error {
	u, err := o.address(bucket, key)
	if err != nil {
		return err
	}
	resp, err := o.do(ctx, u, signed)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return refuse("http request failed. status:%v statuscode:%v", resp.Status, resp.StatusCode)
	}
	if err := os.WriteFile(file+".etag", []byte(resp.Header.Get("Etag")), 0o644); err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, resp.Body)
	return errors.Join(err, out.Close())
}
