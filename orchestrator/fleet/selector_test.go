package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTag(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Tag
		err  string
	}{
		{in: "env=prod", want: Tag{"env", []string{"prod"}}},
		{in: "role=web,db", want: Tag{"role", []string{"web", "db"}}},
		{in: "aws:autoscaling:groupName=a b", want: Tag{"aws:autoscaling:groupName", []string{"a b"}}},
		{in: "query=a=b", want: Tag{"query", []string{"a=b"}}},
		{in: "名前=値", want: Tag{"名前", []string{"値"}}},
		{in: "", err: `tag "": want KEY=VALUE`},
		{in: "prod", err: `tag "prod": want KEY=VALUE`},
		{in: "=prod", err: "want KEY=VALUE"},
		{in: "env=", err: "want KEY=VALUE"},
		{in: "env=a,,b", err: "empty value"},
		{in: "env=a,b,c,d,e,f", err: "6 values"},
		{in: "env=\xff", err: "not valid UTF-8"},
		{in: strings.Repeat("k", 129) + "=v", err: "longer than 128"},
		{in: "k=" + strings.Repeat("v", 257), err: "longer than 256"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			got, err := ParseTag(tc.in)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func FuzzParseTag(f *testing.F) {
	for _, s := range []string{"env=prod", "role=web,db", "=", "a=b=c", "\xff=x", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tag, err := ParseTag(s)
		if err != nil {
			return
		}
		assert.True(t, utf8.ValidString(s), "%q became %v", s, tag)
		assert.NotEmpty(t, tag.Key, s)
		assert.NotEmpty(t, tag.Values, s)
		assert.LessOrEqual(t, len(tag.Values), maxValues, s)
		if back := (Selector{Tags: []Tag{tag}}).String(); back != s {
			t.Errorf("%q is written as %q", s, back)
		}
	})
}

func TestSelectorValidate(t *testing.T) {
	tags := func(n int) (list []Tag) {
		for i := range n {
			list = append(list, Tag{Key: string(rune('a' + i)), Values: []string{"v"}})
		}
		return list
	}
	for _, tc := range []struct {
		name string
		s    Selector
		err  string
	}{
		{"tags", Selector{Tags: tags(5)}, ""},
		{"instances", Selector{Instances: []string{"i-0123456789abcdef0", "mi-0123456789abcdef0", "i-01234567"}}, ""},
		{"nothing", Selector{}, "no target"},
		{"both", Selector{Tags: tags(1), Instances: []string{"i-01234567"}}, "cannot be combined"},
		{"six tags", Selector{Tags: tags(6)}, "at most 5"},
		{"one tag twice", Selector{Tags: append(tags(1), tags(1)...)}, "given twice"},
		{"all", Selector{All: true}, ""},
		{"all and a tag", Selector{All: true, Tags: tags(1)}, "--all cannot be combined"},
		{"all and an instance", Selector{All: true, Instances: []string{"i-01234567"}}, "--all cannot be combined"},
		{"not an id", Selector{Instances: []string{"web-1"}}, `instance "web-1"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.s.Validate()
			if tc.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tc.err)
			}
		})
	}
}

func TestSelectorString(t *testing.T) {
	many := make([]string, 11)
	for i := range many {
		many[i] = fmt.Sprintf("i-%08x", i)
	}
	backwards := slices.Clone(many)
	slices.Reverse(backwards)
	for _, tc := range []struct {
		s    Selector
		want string
	}{
		{Selector{All: true}, "all"},
		{Selector{Tags: []Tag{{"env", []string{"prod"}}, {"role", []string{"web", "db"}}}}, "env=prod role=web,db"},
		{Selector{Instances: many[:2]}, "i-00000000 i-00000001"},
		{Selector{Instances: many}, "11 hosts cc90e2c0"},
		{Selector{Instances: backwards}, "11 hosts cc90e2c0"},
	} {
		if got := tc.s.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
