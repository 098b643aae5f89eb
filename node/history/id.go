package history

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layout is how an id says when its check began, in UTC.
const layout = "20060102T150405Z"

// id names a generation: the start of its check and, if others began in the same second, a
// number from 2 on.
type id struct {
	started time.Time
	number  int
}

func (i id) String() string {
	if i.number > 1 {
		return i.started.Format(layout) + "-" + strconv.Itoa(i.number)
	}
	return i.started.Format(layout)
}

func (i id) compare(j id) int {
	return cmp.Or(i.started.Compare(j.started), cmp.Compare(i.number, j.number))
}

// parseID reads an id. An id has one spelling, which is no path and means nothing to a file
// system.
func parseID(s string) (id, error) {
	bad := fmt.Errorf("%w: %.60q is no id: want one such as %s or %s-2", ErrUnknown, s, layout, layout)
	start, number, numbered := strings.Cut(s, "-")
	started, err := time.Parse(layout, start)
	if err != nil {
		return id{}, bad
	}
	i := id{started, 1}
	if numbered {
		if i.number, err = strconv.Atoi(number); err != nil || len(number) > 9 {
			return id{}, bad
		}
	}
	if i.String() != s {
		return id{}, bad
	}
	return i, nil
}
