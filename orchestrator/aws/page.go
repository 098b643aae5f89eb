package aws

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PageError is an answer that comes from no service: a page of HTML, from a proxy or a load
// balancer in between.
type PageError struct {
	Status int    // HTTP
	Text   string // the beginning of its text for people, untrusted
}

func (e *PageError) Error() string {
	text := fmt.Sprintf("%d %s, an HTML page from a proxy or load balancer", e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// maxPage bounds how much of a page is read, and maxPageText how much is shown, in bytes.
const (
	maxPage     = 16 << 10
	maxPageText = 120
)

// tellPages is an option of the SDK's clients. Without it they would try to read a page as
// JSON, CBOR or XML.
func tellPages(stack *middleware.Stack) error {
	// After: next to the wire, before anything reads the answer.
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("TellPages", tellPage), middleware.After)
}

func tellPage(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return out, metadata, err
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxPage)) // a part of it is enough
	return out, metadata, &PageError{Status: answer.StatusCode, Text: pageText(text)}
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	pageNoise = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<[^>]*>`)
)

// pageText is the title of a page or, without one, the beginning of its text.
func pageText(page []byte) string {
	if m := pageTitle.FindSubmatch(page); m != nil && len(bytes.TrimSpace(m[1])) > 0 {
		page = m[1]
	}
	text := oneLine(html.UnescapeString(string(pageNoise.ReplaceAll(page, []byte(" ")))))
	return strings.ToValidUTF8(text[:min(len(text), maxPageText)], "")
}
