package cloud

import (
	"maps"
	"slices"
	"strings"
)

// documentDescription is what the service says of one version of a document.
type documentDescription struct {
	Name, DocumentVersion, DefaultVersion, LatestVersion string
	DocumentFormat, DocumentType, SchemaVersion          string
	Hash, HashType, Owner, Status                        string
	Description                                          string `json:",omitempty"`
	TargetType                                           string `json:",omitempty"`
	VersionName                                          string `json:",omitempty"`
	CreatedDate                                          epoch
	Parameters                                           []parameterDescription
	PlatformTypes                                        []string
	Tags                                                 []tag
}

type parameterDescription struct {
	Name, Type, Description string
	DefaultValue            string `json:",omitempty"`
}

// documentOutput is the answer of every operation that describes a document; the
// operations differ in the name of its one member.
type documentOutput struct{ DocumentDescription documentDescription }

func (c *Cloud) describe(v *version, status string) documentDescription {
	d := v.document
	out := documentDescription{
		Name: d.name, DocumentVersion: v.String(), DefaultVersion: itoa(d.byDefault), LatestVersion: itoa(d.latest),
		DocumentFormat: v.format, DocumentType: "Command", SchemaVersion: v.body.schemaVersion,
		Hash: v.hash, HashType: "Sha256", Owner: c.config.Account, Status: status,
		Description: v.body.description, TargetType: d.targetType, VersionName: v.name, CreatedDate: epoch{v.created},
		Parameters: []parameterDescription{}, PlatformTypes: []string{"Linux", "MacOS"}, Tags: present(d.tags),
	}
	for _, name := range slices.Sorted(maps.Keys(v.body.parameters)) {
		p := v.body.parameters[name]
		description := parameterDescription{Name: name, Type: p.Type, Description: p.Description}
		if p.Default != nil {
			description.DefaultValue = text(p.Default)
		}
		out.Parameters = append(out.Parameters, description)
	}
	return out
}

// describeDocument answers with the member name of its own output.
func (c *Cloud) describeDocument(in documentInput) (out struct{ Document documentDescription }, err error) {
	v, err := c.version(in.Name, in.DocumentVersion)
	if err != nil {
		return out, err
	}
	out.Document = c.describe(v, "Active")
	return out, nil
}

type listDocumentsInput struct {
	paging
	DocumentFilterList []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	Filters []instanceFilter
}

type documentIdentifier struct {
	Name, Owner, DocumentVersion, DocumentFormat, DocumentType, SchemaVersion string
	TargetType                                                                string `json:",omitempty"`
	VersionName                                                               string `json:",omitempty"`
	CreatedDate                                                               epoch
	PlatformTypes                                                             []string
	Tags                                                                      []tag
}

type listDocumentsOutput struct {
	DocumentIdentifiers []documentIdentifier
	NextToken           string `json:",omitempty"`
}

func (c *Cloud) listDocuments(in listDocumentsInput) (out listDocumentsOutput, err error) {
	filters := in.Filters
	for _, f := range in.DocumentFilterList {
		filters = append(filters, instanceFilter{f.Key, []string{f.Value}})
	}
	identifiers := []documentIdentifier{}
	for _, name := range slices.Sorted(maps.Keys(c.documents)) {
		v, err := c.documents[name].find("$DEFAULT")
		if err != nil {
			return out, err
		}
		ok, err := c.listed(v, filters)
		if err != nil {
			return out, err
		}
		if !ok {
			continue
		}
		d := c.describe(v, "Active")
		identifiers = append(identifiers, documentIdentifier{
			Name: d.Name, Owner: d.Owner, DocumentVersion: d.DocumentVersion, DocumentFormat: d.DocumentFormat,
			DocumentType: d.DocumentType, SchemaVersion: d.SchemaVersion, TargetType: d.TargetType, VersionName: d.VersionName,
			CreatedDate: d.CreatedDate, PlatformTypes: d.PlatformTypes, Tags: d.Tags,
		})
	}
	out.DocumentIdentifiers, out.NextToken, err = page(identifiers, in.paging, 1, 50, 50)
	return out, err
}

// listed says that a document passes all filters. A name may be a prefix.
func (c *Cloud) listed(v *version, filters []instanceFilter) (bool, error) {
	for _, f := range filters {
		var has func(value string) bool
		switch f.Key {
		case "Name":
			has = func(value string) bool { return strings.HasPrefix(v.document.name, value) }
		case "Owner":
			has = func(value string) bool { return slices.Contains([]string{"Self", "Private", "All"}, value) }
		case "DocumentType":
			has = func(value string) bool { return value == "Command" }
		case "PlatformTypes":
			has = func(value string) bool { return value == "Linux" || value == "MacOS" }
		case "TargetType":
			has = func(value string) bool { return value == v.document.targetType }
		default:
			return false, badRequest("InvalidFilterKey", "The lab has no filter %q.", f.Key)
		}
		if !slices.ContainsFunc(f.Values, has) {
			return false, nil
		}
	}
	return true, nil
}

type listDocumentVersionsInput struct {
	paging
	Name string
}

type documentVersion struct {
	Name, DocumentVersion, DocumentFormat, Status string
	VersionName                                   string `json:",omitempty"`
	CreatedDate                                   epoch
	IsDefaultVersion                              bool
}

type listDocumentVersionsOutput struct {
	DocumentVersions []documentVersion
	NextToken        string `json:",omitempty"`
}

// listDocumentVersions lists the newest first.
func (c *Cloud) listDocumentVersions(in listDocumentVersionsInput) (out listDocumentVersionsOutput, err error) {
	v, err := c.version(in.Name, "$DEFAULT")
	if err != nil {
		return out, err
	}
	d := v.document
	var versions []documentVersion
	for _, v := range d.versions {
		versions = append(versions, documentVersion{
			Name: d.name, DocumentVersion: v.String(), DocumentFormat: v.format, Status: "Active",
			VersionName: v.name, CreatedDate: epoch{v.created}, IsDefaultVersion: v.number == d.byDefault,
		})
	}
	slices.Reverse(versions)
	out.DocumentVersions, out.NextToken, err = page(versions, in.paging, 1, 50, 50)
	return out, err
}
