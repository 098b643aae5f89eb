package aide

import (
	"errors"
	"strings"
)

// pattern is a regular expression for the names of files that @@include takes
// from a folder: characters, ., [classes], (groups), alternatives |, the
// repetitions * + ? and the anchors ^ and $. Package regexp would be a tenth of
// the program for this one use.
type pattern struct{ alternatives [][]atom }

// atom is one part of a sequence: a character of a set, a group, or an anchor.
type atom struct {
	set    *[256]bool
	group  [][]atom
	anchor byte // ^ or $, or 0
	once   bool // at least
	many   bool // possibly more than once
}

var errPattern = errors.New("counts, and classes by name, are not understood here")

func compile(expression string) (pattern, error) {
	alternatives, rest, err := alternatives(expression)
	if err == nil && rest != "" {
		err = errors.New("a ) without its (")
	}
	return pattern{alternatives}, err
}

// alternatives reads sequences up to the end, or to the end of a group.
func alternatives(s string) (all [][]atom, rest string, err error) {
	var sequence []atom
	for s != "" && s[0] != ')' {
		if s[0] == '|' {
			all, sequence, s = append(all, sequence), nil, s[1:]
			continue
		}
		var a atom
		if s, err = a.read(s); err != nil {
			return nil, "", err
		}
		a.once = true
		if s != "" && strings.IndexByte("*+?", s[0]) >= 0 {
			a.once, a.many = s[0] == '+', s[0] != '?'
			s = s[1:]
		}
		sequence = append(sequence, a)
	}
	return append(all, sequence), s, nil
}

// read takes one atom off the front of an expression.
func (a *atom) read(s string) (rest string, err error) {
	switch c := s[0]; c {
	case '^', '$':
		a.anchor = c
		return s[1:], nil
	case '(':
		a.group, rest, err = alternatives(s[1:])
		if err == nil && rest == "" {
			err = errors.New("a ( without its )")
		}
		return strings.TrimPrefix(rest, ")"), err
	case '{', '}', '*', '+', '?', ']':
		return "", errPattern
	}
	a.set = new([256]bool)
	switch c := s[0]; c {
	case '.':
		for i := range a.set {
			a.set[i] = true
		}
	case '[':
		return a.class(s[1:])
	case '\\':
		if len(s) < 2 || isWord(s[1]) {
			return "", errPattern
		}
		a.set[s[1]] = true
		return s[2:], nil
	default:
		a.set[c] = true
	}
	return s[1:], nil
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// class reads a bracket expression from behind its bracket.
func (a *atom) class(s string) (rest string, err error) {
	s, negated := strings.CutPrefix(s, "^")
	end := strings.IndexByte(s, ']')
	if end == 0 { // a bracket that stands first is itself
		end = 1 + strings.IndexByte(s[1:], ']')
	}
	if end <= 0 || strings.ContainsAny(s[:end], `\[`) {
		return "", errPattern
	}
	for class := s[:end]; class != ""; {
		from, to := class[0], class[0]
		if len(class) > 2 && class[1] == '-' {
			to = class[2]
			class = class[2:]
		}
		class = class[1:]
		for c := int(from); c <= int(to); c++ {
			a.set[c] = true
		}
	}
	if negated {
		for i := range a.set {
			a.set[i] = !a.set[i]
		}
	}
	return s[end+1:], nil
}

func (p pattern) match(name string) bool {
	m := matcher{name}
	for start := 0; start <= len(name); start++ {
		for _, sequence := range p.alternatives {
			if m.sequence(sequence, start, func(int) bool { return true }) {
				return true
			}
		}
	}
	return false
}

// matcher tries all ways to match a part of a name, and calls then with where it
// ends until that says that the rest matches too.
type matcher struct{ name string }

func (m matcher) sequence(atoms []atom, at int, then func(int) bool) bool {
	if len(atoms) == 0 {
		return then(at)
	}
	return m.repeated(atoms[0], 0, at, func(end int) bool { return m.sequence(atoms[1:], end, then) })
}

func (m matcher) repeated(a atom, times, at int, then func(int) bool) bool {
	if times == 0 || a.many {
		// A repetition that takes nothing would go on for ever.
		again := func(end int) bool { return (end > at || times == 0) && m.repeated(a, times+1, end, then) }
		if m.atom(a, at, again) {
			return true
		}
	}
	return (times > 0 || !a.once) && then(at)
}

func (m matcher) atom(a atom, at int, then func(int) bool) bool {
	switch {
	case a.anchor == '^':
		return at == 0 && then(at)
	case a.anchor == '$':
		return at == len(m.name) && then(at)
	case a.set != nil:
		return at < len(m.name) && a.set[m.name[at]] && then(at+1)
	}
	for _, sequence := range a.group {
		if m.sequence(sequence, at, then) {
			return true
		}
	}
	return false
}
