package cloud

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxDocument is the largest document, in bytes (Systems Manager quotas).
	maxDocument = 64 << 10
	// maxVersions is how many versions a document can have.
	maxVersions = 1000
	// maxDocuments is how many documents an account can have in a region.
	maxDocuments = 500
)

var (
	documentName = regexp.MustCompile(`^[a-zA-Z0-9_\-.:/]{3,128}$`)
	// reservedName is what names of an account's own documents cannot begin with.
	reservedName = regexp.MustCompile(`(?i)^(aws|amazon|amzn)`)
)

// document is an SSM document with all its versions.
type document struct {
	name       string
	targetType string
	tags       []tag
	versions   []*version // in the order of their numbers, without those deleted
	latest     int
	byDefault  int
}

// version is one version of a document. It does not change.
type version struct {
	document *document
	number   int
	name     string
	format   string // "JSON" or "YAML"
	content  string // as it was given
	hash     string // SHA-256 of content, in hex
	created  time.Time
	body     body
}

func (v *version) String() string { return strconv.Itoa(v.number) }

// find resolves a version: a number, "$LATEST", "$DEFAULT", or nothing, which is
// the default.
func (d *document) find(text string) (*version, error) {
	number, err := d.byDefault, error(nil)
	switch text {
	case "", "$DEFAULT":
	case "$LATEST":
		number = d.latest
	default:
		number, err = strconv.Atoi(text)
	}
	for _, v := range d.versions {
		if err == nil && v.number == number {
			return v, nil
		}
	}
	return nil, badRequest("InvalidDocumentVersion", "Document %s has no version %s.", d.name, text)
}

// version finds a version of a document by their names, which may be an ARN.
func (c *Cloud) version(name, text string) (*version, error) {
	if !strings.HasPrefix(name, "arn:") && !documentName.MatchString(name) {
		return nil, invalid("name", name, `Member must satisfy regular expression pattern: `+documentName.String())
	}
	_, short, isARN := strings.Cut(name, ":document/")
	if !isARN {
		short = name
	}
	d, ok := c.documents[short]
	if !ok {
		return nil, badRequest("InvalidDocument", "Document with name %s does not exist.", name)
	}
	return d.find(text)
}

// newVersion checks a content and makes the next version of the document.
func (c *Cloud) newVersion(d *document, content, format, name string) (*version, error) {
	if len(content) > maxDocument {
		return nil, badRequest("MaxDocumentSizeExceeded", "The document has %d bytes; the limit is %d.", len(content), maxDocument)
	}
	for _, v := range d.versions {
		if name != "" && v.name == name {
			return nil, badRequest("DuplicateDocumentVersionName", "The version name %s is already in use.", name)
		}
	}
	if len(d.versions) >= maxVersions {
		return nil, badRequest("DocumentVersionLimitExceeded", "Document %s has %d versions.", d.name, len(d.versions))
	}
	format = cmp.Or(format, "JSON")
	parsed, err := parseBody(content, format)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(content))
	d.latest++
	v := &version{
		document: d, number: d.latest, name: name, format: format, content: content,
		hash: hex.EncodeToString(sum[:]), created: c.now(), body: parsed,
	}
	d.versions = append(d.versions, v)
	return v, nil
}

// Publish makes a document in the account, of a content in YAML.
func (c *Cloud) Publish(name, content string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.createDocument(createDocumentInput{Name: name, Content: content, DocumentFormat: "YAML"}); err != nil {
		return fmt.Errorf("publish document %s: %w", name, err)
	}
	return nil
}

type createDocumentInput struct {
	Name, Content, DocumentFormat, DocumentType, TargetType, VersionName string
	Tags                                                                 []tag
}

func (c *Cloud) createDocument(in createDocumentInput) (documentOutput, error) {
	switch {
	case !documentName.MatchString(in.Name):
		return documentOutput{}, invalid("name", in.Name, `Member must satisfy regular expression pattern: `+documentName.String())
	case reservedName.MatchString(in.Name):
		return documentOutput{}, badRequest("ValidationException", "Document name %s has a prefix that is reserved.", in.Name)
	case in.DocumentType != "" && in.DocumentType != "Command":
		return documentOutput{}, badRequest("ValidationException", "The lab has no documents of type %s.", in.DocumentType)
	case len(in.Tags) > maxTags:
		return documentOutput{}, badRequest("ValidationException", "A document can have %d tags.", maxTags)
	case c.documents[in.Name] != nil:
		return documentOutput{}, badRequest("DocumentAlreadyExists", "Document with same name %s already exists", in.Name)
	case len(c.documents) >= maxDocuments:
		return documentOutput{}, badRequest("DocumentLimitExceeded", "You can have at most %d active SSM documents.", maxDocuments)
	}
	if err := checkTargetType(in.TargetType); err != nil {
		return documentOutput{}, err
	}
	d := &document{name: in.Name, targetType: in.TargetType, byDefault: 1}
	if err := d.tag(in.Tags); err != nil {
		return documentOutput{}, err
	}
	v, err := c.newVersion(d, in.Content, in.DocumentFormat, in.VersionName)
	if err != nil {
		return documentOutput{}, err
	}
	c.documents[d.name] = d
	return documentOutput{c.describe(v, "Creating")}, nil
}

type updateDocumentInput struct {
	Name, Content, DocumentFormat, DocumentVersion, TargetType, VersionName string
}

// updateDocument makes a new version. The one it is said to replace must be the
// latest, and the default one stays.
func (c *Cloud) updateDocument(in updateDocumentInput) (documentOutput, error) {
	replaced, err := c.version(in.Name, cmp.Or(in.DocumentVersion, "$LATEST"))
	if err != nil {
		return documentOutput{}, err
	}
	d := replaced.document
	switch {
	case replaced.number != d.latest:
		return documentOutput{}, badRequest("InvalidDocumentVersion", "Version %s of document %s is not the latest one.", replaced, d.name)
	case replaced.content == in.Content:
		return documentOutput{}, badRequest("DuplicateDocumentContent", "The content of the association document matches another document. Change the content of the document and try again.")
	}
	if err := checkTargetType(in.TargetType); err != nil {
		return documentOutput{}, err
	}
	v, err := c.newVersion(d, in.Content, in.DocumentFormat, in.VersionName)
	if err != nil {
		return documentOutput{}, err
	}
	d.targetType = cmp.Or(in.TargetType, d.targetType)
	return documentOutput{c.describe(v, "Updating")}, nil
}

type documentInput struct{ Name, DocumentVersion string }

type defaultVersionOutput struct {
	Description struct{ Name, DefaultVersion string }
}

func (c *Cloud) updateDocumentDefaultVersion(in documentInput) (out defaultVersionOutput, err error) {
	if strings.HasPrefix(in.DocumentVersion, "$") || in.DocumentVersion == "" {
		return out, invalid("documentVersion", in.DocumentVersion, `Member must satisfy regular expression pattern: (^[1-9][0-9]*$)`)
	}
	v, err := c.version(in.Name, in.DocumentVersion)
	if err != nil {
		return out, err
	}
	v.document.byDefault = v.number
	out.Description.Name, out.Description.DefaultVersion = v.document.name, v.String()
	return out, nil
}

// deleteDocument deletes one version or, if none is named, the document.
func (c *Cloud) deleteDocument(in documentInput) (empty, error) {
	v, err := c.version(in.Name, in.DocumentVersion)
	if err != nil {
		return empty{}, err
	}
	d := v.document
	if in.DocumentVersion == "" {
		delete(c.documents, d.name)
		return empty{}, nil
	}
	if v.number == d.byDefault {
		return empty{}, badRequest("InvalidDocumentOperation", "Version %s of document %s is its default version.", v, d.name)
	}
	d.versions = slices.DeleteFunc(d.versions, func(other *version) bool { return other == v })
	return empty{}, nil
}

type getDocumentInput struct{ Name, DocumentVersion, DocumentFormat string }

type getDocumentOutput struct {
	Name, DocumentVersion, DocumentFormat, DocumentType, Content, Status string
	VersionName                                                          string `json:",omitempty"`
	CreatedDate                                                          epoch
}

// getDocument answers in the format that is asked for; the API reference says
// that this is JSON where none is.
func (c *Cloud) getDocument(in getDocumentInput) (out getDocumentOutput, err error) {
	v, err := c.version(in.Name, in.DocumentVersion)
	if err != nil {
		return out, err
	}
	format := cmp.Or(in.DocumentFormat, "JSON")
	content := v.content
	if format != v.format {
		if content, err = v.body.encode(format); err != nil {
			return out, err
		}
	}
	return getDocumentOutput{
		Name: v.document.name, DocumentVersion: v.String(), DocumentFormat: format, DocumentType: "Command",
		Content: content, Status: "Active", VersionName: v.name, CreatedDate: epoch{v.created},
	}, nil
}
