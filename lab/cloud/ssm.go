package cloud

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// operation serves one operation of a JSON service.
type operation func(ctx context.Context, c *Cloud, body []byte) (any, error)

// operations are those of SSM, of the message service, of EventBridge and of CloudTrail.
var operations = map[string]operation{
	ssmService + ".SendCommand":                  requiring(locked((*Cloud).sendCommand), "DocumentName"),
	ssmService + ".ListCommands":                 locked((*Cloud).listCommands),
	ssmService + ".ListCommandInvocations":       locked((*Cloud).listCommandInvocations),
	ssmService + ".GetCommandInvocation":         requiring(locked((*Cloud).getCommandInvocation), "CommandId", "InstanceId"),
	ssmService + ".CancelCommand":                requiring(locked((*Cloud).cancelCommand), "CommandId"),
	ssmService + ".DescribeInstanceInformation":  locked((*Cloud).describeInstanceInformation),
	ssmService + ".GetDocument":                  requiring(locked((*Cloud).getDocument), "Name"),
	ssmService + ".DescribeDocument":             requiring(locked((*Cloud).describeDocument), "Name"),
	ssmService + ".ListDocuments":                locked((*Cloud).listDocuments),
	ssmService + ".ListDocumentVersions":         requiring(locked((*Cloud).listDocumentVersions), "Name"),
	ssmService + ".CreateDocument":               requiring(locked((*Cloud).createDocument), "Content", "Name"),
	ssmService + ".UpdateDocument":               requiring(locked((*Cloud).updateDocument), "Content", "Name"),
	ssmService + ".UpdateDocumentDefaultVersion": requiring(locked((*Cloud).updateDocumentDefaultVersion), "Name", "DocumentVersion"),
	ssmService + ".DeleteDocument":               requiring(locked((*Cloud).deleteDocument), "Name"),
	ssmService + ".AddTagsToResource":            requiring(locked((*Cloud).addTagsToResource), "ResourceType", "ResourceId", "Tags"),

	ssmService + ".GetParameter": requiring(locked((*Cloud).getParameter), "Name"),
	ssmService + ".PutParameter": requiring(locked((*Cloud).putParameter), "Name", "Value"),

	eventService + ".PutEvents":    requiring(locked((*Cloud).putEvents), "Entries"),
	trailService + ".LookupEvents": locked((*Cloud).lookupEvents),

	// What agents call.
	ssmService + ".UpdateInstanceInformation": locked((*Cloud).updateInstanceInformation),
	ssmService + ".ListInstanceAssociations": always(struct {
		Associations []struct{}
	}{[]struct{}{}}),
	ssmService + ".ListAssociations": always(struct {
		Associations []struct{}
	}{[]struct{}{}}),
	ssmService + ".GetParameters":                   requiring(locked((*Cloud).getParameters), "Names"),
	ssmService + ".PutComplianceItems":              always(empty{}),
	ssmService + ".PutInventory":                    always(empty{}),
	ssmService + ".UpdateInstanceAssociationStatus": always(empty{}),

	messageService + ".GetMessages":        getMessages, // waits, and so locks by itself
	messageService + ".AcknowledgeMessage": locked((*Cloud).acknowledgeMessage),
	messageService + ".SendReply":          locked((*Cloud).sendReply),
	messageService + ".FailMessage":        locked((*Cloud).failMessage),
	messageService + ".DeleteMessage":      locked((*Cloud).deleteMessage),
}

// empty is an answer that says nothing.
type empty struct{}

// locked makes an operation of a method, which runs alone and after everything
// that time has done to the commands.
func locked[In, Out any](method func(*Cloud, In) (Out, error)) operation {
	return func(_ context.Context, c *Cloud, body []byte) (any, error) {
		in, err := decode[In](body)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.advance()
		out, err := method(c, in)
		if err != nil {
			return nil, err
		}
		c.advance()
		return out, nil
	}
}

// always is an operation with one answer.
func always(answer any) operation {
	return func(context.Context, *Cloud, []byte) (any, error) { return answer, nil }
}

// requiring refuses inputs without the members that the operation's model requires.
func requiring(next operation, members ...string) operation {
	return func(ctx context.Context, c *Cloud, body []byte) (any, error) {
		in, err := decode[map[string]any](body)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if in[m] == nil {
				return nil, badRequest("ValidationException",
					"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", strings.ToLower(m[:1])+m[1:])
			}
		}
		return next(ctx, c, body)
	}
}

// present is a list that is never null in an answer.
func present[T any](list []T) []T { return append([]T{}, list...) }

// decode reads an input. An empty body is an empty input.
func decode[In any](body []byte) (In, error) {
	var in In
	if len(body) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return in, badRequest("SerializationException", "%v", err)
	}
	return in, nil
}

// getParameters has a Parameter Store without parameters.
func (c *Cloud) getParameters(in struct{ Names []string }) (struct {
	Parameters        []struct{}
	InvalidParameters []string
}, error) {
	return struct {
		Parameters        []struct{}
		InvalidParameters []string
	}{[]struct{}{}, in.Names}, nil
}

// paging is the part of an input that asks for a page.
type paging struct {
	MaxResults *int
	NextToken  string
}

// page cuts one page out of a list; unset is how many a page holds where the
// caller does not say. The token of the page that follows is empty after the last.
func page[T any](items []T, p paging, least, most, unset int) ([]T, string, error) {
	return scan(items, func(T) bool { return true }, p, least, most, unset)
}

// scan is page for the items that pass. A token stands for a place among all
// items, so that a long list is read through once and not for every page.
func scan[T any](items []T, passes func(T) bool, p paging, least, most, unset int) ([]T, string, error) {
	size := unset
	if p.MaxResults != nil {
		size = *p.MaxResults
		if size < least {
			return nil, "", invalid("maxResults", strconv.Itoa(size), fmt.Sprintf("Member must have value greater than or equal to %d", least))
		}
		if size > most {
			return nil, "", invalid("maxResults", strconv.Itoa(size), fmt.Sprintf("Member must have value less than or equal to %d", most))
		}
	}
	t, err := readToken(p.NextToken)
	if err != nil {
		return nil, "", err
	}
	found := []T{}
	for n := t.item; n < len(items); n++ {
		switch {
		case !passes(items[n]):
		case len(found) == size:
			return found, token{item: n}.String(), nil
		default:
			found = append(found, items[n])
		}
	}
	return found, "", nil
}

// token stands for the page that begins with an item, or for a repetition of it.
type token struct {
	item   int
	repeat bool
}

const (
	tokenPrefix = "next:"
	tokenRepeat = ":again"
)

func (t token) String() string {
	s := tokenPrefix + strconv.Itoa(t.item)
	if t.repeat {
		s += tokenRepeat
	}
	return base64.RawURLEncoding.EncodeToString([]byte(s))
}

// readToken reads a token. None is the first page's.
func readToken(s string) (t token, err error) {
	if s == "" {
		return t, nil
	}
	b, _ := base64.RawURLEncoding.DecodeString(s)
	number, ok := strings.CutPrefix(string(b), tokenPrefix)
	number, t.repeat = strings.CutSuffix(number, tokenRepeat)
	t.item, err = strconv.Atoi(number)
	if !ok || err != nil || t.item < 0 || t.String() != s {
		return t, badRequest("InvalidNextToken", "The token %q is not valid.", s)
	}
	return t, nil
}

// newUUID makes a random (version 4) UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
