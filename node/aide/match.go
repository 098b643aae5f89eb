package aide

import (
	"errors"
	"strings"
)

// pattern is a regular expression for the names of files that @@include takes
// from a folder: characters, ., [classes] and the repetitions * + ?, anchored by
// ^ and $. Package regexp would be a tenth of the program for this one use.
type pattern struct {
	atoms    []atom
	fromHead bool // ^
	toTail   bool // $
}

type atom struct {
	set  [256]bool
	once bool // at least
	many bool // possibly more than once
}

var errPattern = errors.New("groups, alternatives and counts are not understood here")

func compile(expression string) (p pattern, err error) {
	rest, fromHead := strings.CutPrefix(expression, "^")
	p.fromHead = fromHead
	for rest != "" {
		if rest == "$" {
			p.toTail = true
			break
		}
		var a atom
		if rest, err = a.read(rest); err != nil {
			return p, err
		}
		a.once = true
		if rest != "" && strings.IndexByte("*+?", rest[0]) >= 0 {
			a.once, a.many = rest[0] == '+', rest[0] != '?'
			rest = rest[1:]
		}
		p.atoms = append(p.atoms, a)
	}
	return p, nil
}

// read takes one atom off the front of an expression.
func (a *atom) read(s string) (rest string, err error) {
	switch c := s[0]; c {
	case '(', ')', '|', '{', '}', '^', '$', '*', '+', '?', ']':
		return "", errPattern
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
	for start := 0; start <= len(name); start++ {
		if p.here(p.atoms, name[start:]) {
			return true
		}
		if p.fromHead {
			break
		}
	}
	return false
}

// here says whether the atoms match at the front of s.
func (p pattern) here(atoms []atom, s string) bool {
	if len(atoms) == 0 {
		return s == "" || !p.toTail
	}
	a, most := atoms[0], 0
	for most < len(s) && a.set[s[most]] && (a.many || most == 0) {
		most++
	}
	least := 0
	if a.once {
		least = 1
	}
	for n := most; n >= least; n-- {
		if p.here(atoms[1:], s[n:]) {
			return true
		}
	}
	return false
}
