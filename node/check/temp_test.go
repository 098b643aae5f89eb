package check

import (
	"os"
	"testing"

	"aidefleet/node/aide/aidetest"
)

func TestMain(m *testing.M) { os.Exit(aidetest.Main(m)) }
