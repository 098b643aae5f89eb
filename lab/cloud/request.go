package cloud

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"aidefleet/lab/s3"
)

// maxBody bounds a request, in bytes, and what a compressed one holds. The
// largest that the services take are CloudWatch's, with 1 MB.
const maxBody = 8 << 20

// The services by what they are called in X-Amz-Target.
const (
	ssmService     = "AmazonSSM"
	messageService = "EC2WindowsMessageDeliveryService"
	cloudWatch     = "GraniteServiceVersion20100801"
	ec2Service     = "EC2"
	stsService     = "STS"
	snsService     = "SNS"
	s3Service      = "S3"
	eventService   = "AWSEvents"
	trailService   = "CloudTrail_20131101"
)

// queryServices are those of the Query protocol, by the version of their API.
var queryServices = map[string]string{
	"2016-11-15": ec2Service,
	"2011-06-15": stsService,
	"2010-08-01": cloudWatch,
	"2010-03-31": snsService,
}

// protocol is how a service is spoken to, which is how errors must look.
type protocol int

const (
	json11 protocol = iota
	json10
	cborRPC
	awsQuery
	ec2Query
	restXML
)

// request is a request whose service and operation are known.
type request struct {
	id        string // of the request, for whoever reads a log
	service   string
	operation string
	protocol  protocol
	body      []byte        // as it came
	form      url.Values    // of the Query protocols
	repeats   func()        // notes that the page comes twice; nil if it does not
	r         *http.Request // of S3
}

// signedForS3 is in the signature of a request for S3, which has no other mark of
// its own.
var signedForS3 = regexp.MustCompile(`Credential=[^ ,]+/s3/aws4_request`)

// isObject reports whether a request is one for S3: by the name that it goes to, by its
// signature, or without one, as it is the only service that anybody may ask, by its path.
func isObject(r *http.Request) bool {
	if s3.Named(r.Host) {
		return true
	}
	if signature := r.Header.Get("Authorization"); signature != "" {
		return signedForS3.MatchString(signature)
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "/" && r.Header.Get("X-Amz-Target") == "" &&
		!strings.HasPrefix(r.URL.Path, "/service/") && !r.URL.Query().Has("Action")
}

// restore is the body once more.
func (q *request) restore() io.ReadCloser { return io.NopCloser(bytes.NewReader(q.body)) }

// identify reads a request and finds out what it asks for. Where it returns an
// error, the request still says how to answer it.
func identify(w http.ResponseWriter, r *http.Request) (*request, error) {
	q := &request{}
	most := int64(maxBody)
	if isObject(r) {
		q.service, q.protocol, q.r, most = s3Service, restXML, r, s3.MaxBody
	}
	var err error
	if q.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, most)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return q, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", fmt.Sprintf("body is larger than %d bytes", most)}
		}
		return q, fmt.Errorf("read body: %w", err)
	}
	if q.service == s3Service {
		if q.operation = s3.Operation(r); q.operation == "" {
			q.operation = "S3 " + r.Method
		}
		return q, nil
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		q.service, q.operation, _ = strings.Cut(target, ".")
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.0") {
			q.protocol = json10
		}
		return q, nil
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/service/"); ok {
		q.protocol = cborRPC
		q.service, q.operation, ok = strings.Cut(rest, "/operation/")
		if !ok || q.service != cloudWatch {
			return q, q.unknownOperation()
		}
		return q, nil
	}
	return q, q.readForm(r)
}

// readForm reads the operation of the Query protocols, from the body or, as the
// oldest clients send it, from the URL.
func (q *request) readForm(r *http.Request) error {
	q.protocol = awsQuery
	body := q.body
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = decompress(body); err != nil {
			return badRequest("MalformedQueryString", "%v", err)
		}
	}
	var err error
	if q.form, err = url.ParseQuery(string(body)); err != nil {
		return badRequest("MalformedQueryString", "%v", err)
	}
	for key, values := range r.URL.Query() {
		q.form[key] = append(q.form[key], values...)
	}
	if q.operation = q.form.Get("Action"); q.operation == "" {
		return badRequest("MissingAction", "The request must contain the parameter Action.")
	}
	version := q.form.Get("Version")
	service, ok := queryServices[version]
	if !ok {
		return badRequest("InvalidAction", "Could not find operation %s for version %s.", q.operation, version)
	}
	q.service = service
	if service == ec2Service {
		q.protocol = ec2Query
	}
	return nil
}

func decompress(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("decompress body: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("decompress body: %w", err)
	}
	if len(plain) > maxBody {
		return nil, fmt.Errorf("decompress body: it holds more than %d bytes", maxBody)
	}
	return plain, nil
}
