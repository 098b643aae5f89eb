package documents

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPinNode(t *testing.T) {
	one, other := strings.Repeat("0a", 32), strings.Repeat("b1", 32)
	for _, d := range All() {
		p, err := PinNode(d, one, other)
		require.NoError(t, err)
		assert.Equal(t, d.Content, Unpin(p.Content), d.Name)
		assert.Equal(t, d.Content, Unpin(d.Content), d.Name)
		assert.Equal(t, d.Name == Check, strings.Contains(p.Content, `default: "`+one+","+other+`"`), d.Name)
		assert.Empty(t, lint(p.Content), d.Name)
	}
	_, err := PinNode(Document{Name: Check}, "0a")
	assert.ErrorContains(t, err, `"0a": want 64`)
}

// TestUnpin takes nothing out of a document but a pin.
func TestUnpin(t *testing.T) {
	content := `to run whatever is there."
    default: "rm -rf /"
`
	assert.Equal(t, content, Unpin(content))
}
