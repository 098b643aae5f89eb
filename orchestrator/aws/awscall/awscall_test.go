package awscall

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/smithy-go"
)

func TestPages(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tokens []string // of the following page, by page
		want   []string // asked for
	}{
		{"one page", []string{""}, []string{""}},
		{"three pages", []string{"a", "b", ""}, []string{"", "a", "b"}},
		{"the same token at once", []string{"a", "a", "a"}, []string{"", "a"}},
		{"a token that came before", []string{"a", "b", "a", "b"}, []string{"", "a", "b"}},
	} {
		var asked []string
		err := Pages(func(token *string) (*string, error) {
			n := len(asked)
			if token == nil {
				asked = append(asked, "")
			} else {
				asked = append(asked, *token)
			}
			return &tc.tokens[n], nil
		})
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if !slices.Equal(asked, tc.want) {
			t.Errorf("%s: asked for %q, want %q", tc.name, asked, tc.want)
		}
	}
	failed := errors.New("failed")
	if err := Pages(func(*string) (*string, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
	if err := Pages(func(*string) (*string, error) { return nil, nil }); err != nil {
		t.Errorf("a page without a token: %v", err)
	}
}

func TestDenied(t *testing.T) {
	for code, want := range map[string]bool{
		"AccessDenied": true, "AccessDeniedException": true, "UnauthorizedOperation": true,
		"ThrottlingException": false, "InvalidDocument": false,
	} {
		if got := Denied(fmt.Errorf("send: %w", &smithy.GenericAPIError{Code: code})); got != want {
			t.Errorf("%s is a denial: %v, want %v", code, got, want)
		}
	}
	if Denied(errors.New("AccessDenied")) {
		t.Error("a text is a denial")
	}
	if Denied(nil) {
		t.Error("no error is a denial")
	}
}
