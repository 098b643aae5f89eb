package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// measure runs a command and returns what it took.
func measure(b *testing.B, want int, name string, args ...string) (wall, cpu time.Duration, peak int64) {
	b.Helper()
	cmd := exec.Command(name, args...)
	began := time.Now()
	out, err := cmd.Output()
	wall = time.Since(began)
	require.NotNil(b, cmd.ProcessState, "%s %q: %v\n%.1000s", name, args, err, out)
	require.Equal(b, want, cmd.ProcessState.ExitCode(), "%s %q: %v\n%.1000s", name, args, err, out)
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss << 10
}

// BenchmarkCheck holds aide-node check against aide --update on the same 100,000
// files, by turns and with the same number of workers and the same priorities. The
// shortest of some runs counts: the machine may be busy.
func BenchmarkCheck(b *testing.B) {
	if _, err := exec.LookPath("aide"); err != nil {
		b.Skip("AIDE is not installed here: apt-get install aide, or dnf install aide")
	}
	const files, changes, rounds = 100_000, 20_000, 4
	h := benchHost{b.TempDir()}
	h.config(b)
	for i := range files {
		h.write(b, i, "content of a file, which is the same as long as nobody changes it\n")
	}
	measure(b, 0, binary, "init", "--config", h.dir+"/aide.conf", "--state", h.dir+"/state")
	for _, c := range []struct {
		name    string
		changes int
		exit    int
	}{{"clean", 0, 0}, {"drift", changes, 4}} {
		b.Run(c.name, func(b *testing.B) {
			for i := range c.changes {
				h.write(b, i, fmt.Sprintf("other content %d\n", i))
			}
			for b.Loop() {
				least := func(to *time.Duration, d time.Duration) {
					if *to == 0 || d < *to {
						*to = d
					}
				}
				var wall, cpu [2]time.Duration
				for range rounds {
					w, u, _ := measure(b, c.exit, "ionice", "-c", "3", "nice", "-n", "19", "aide", "--config", h.dir+"/aide.conf", "--workers=1", "--update")
					least(&wall[0], w)
					least(&cpu[0], u)
					w, u, _ = measure(b, 0, binary, "check", "--config", h.dir+"/aide.conf", "--state", h.dir+"/state", "--workers=1")
					least(&wall[1], w)
					least(&cpu[1], u)
				}
				b.ReportMetric(float64(wall[1])/float64(wall[0]), "wall/aide")
				b.ReportMetric(float64(cpu[1])/float64(cpu[0]), "cpu/aide")
			}
		})
	}
}

type benchHost struct{ dir string }

func (h benchHost) config(b *testing.B) {
	b.Helper()
	text := "database_in=file:" + h.dir + "/db/aide.db\ndatabase_out=file:" + h.dir + "/db/aide.db.new\ngzip_dbout=yes\n" +
		"report_url=file:" + h.dir + "/aide.log\n" + h.dir + "/tree p+u+g+s+sha256\n"
	if err := os.MkdirAll(h.dir+"/db", 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(h.dir+"/aide.conf", []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (h benchHost) write(b *testing.B, i int, text string) {
	b.Helper()
	dir := fmt.Sprintf("%s/tree/folder-%03d", h.dir, i/500)
	if i%500 == 0 {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(fmt.Sprintf("%s/some-file-%06d.txt", dir, i), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMemory is the peak memory of the node itself, for a report of a
// million changes. AIDE is replaced by a copy of what it would have written.
func BenchmarkMemory(b *testing.B) {
	const changes = 1_000_000
	h := benchHost{b.TempDir()}
	h.config(b)
	h.database(b, "db/aide.db", changes, 1)
	h.database(b, "new.db", changes, 2)
	head := fmt.Sprintf("AIDE found differences between database and filesystem!!\n\nSummary:\n  Total number of entries:\t%d\n"+
		"  Added entries:\t\t0\n  Removed entries:\t\t0\n  Changed entries:\t\t%[1]d\n\n", changes)
	const ruler = "---------------------------------------------------\n"
	h.report(b, "plain", head+ruler+"Changed entries:\n"+ruler+"\n", "f > ...    n.H     : /srv/app/folder-%03d/some-file-%06d.txt\n", "\n"+ruler+"Detailed information about changes:\n"+ruler, changes)
	for format, version := range map[string]string{"plain": "0.17.4", "json": "0.18.3"} {
		fake := filepath.Join(h.dir, "aide-"+format)
		script := "#!/bin/sh\n[ \"$1\" = --version ] && echo AIDE " + version + " && exit\ncd " + h.dir + "\ncp summary state/run/summary; cp " + format + " state/run/report; cp new.db state/run/new.db; exit 4\n"
		if err := os.WriteFile(fake, []byte(script), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	h.json(b, changes)
	if err := os.WriteFile(h.dir+"/summary", []byte(head), 0o644); err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{"plain", "json"} {
		b.Run("check/"+format, func(b *testing.B) {
			for b.Loop() {
				_, _, peak := measure(b, 0, binary, "check", "--aide", h.dir+"/aide-"+format, "--config", h.dir+"/aide.conf", "--state", h.dir+"/state")
				b.ReportMetric(float64(peak)/(1<<20), "MiB")
			}
		})
		b.Run("parse/"+format, func(b *testing.B) {
			info, err := os.Stat(h.dir + "/" + format)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			for b.Loop() {
				_, _, peak := measure(b, 0, binary, "parse", "--exit", "4", h.dir+"/"+format)
				b.ReportMetric(float64(peak)/(1<<20), "MiB")
			}
		})
	}
}

func (h benchHost) create(b *testing.B, name string, write func(*bufio.Writer)) {
	b.Helper()
	f, err := os.Create(filepath.Join(h.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	write(w)
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func (h benchHost) report(b *testing.B, name, head, entry, tail string, entries int) {
	h.create(b, name, func(w *bufio.Writer) {
		fmt.Fprint(w, head)
		for i := range entries {
			fmt.Fprintf(w, entry, i/1000, i)
		}
		fmt.Fprint(w, tail)
	})
}

func (h benchHost) json(b *testing.B, entries int) {
	h.create(b, "json", func(w *bufio.Writer) {
		fmt.Fprintf(w, "{\n  \"aide_version\": \"0.18.3\",\n  \"outline\": \"AIDE found differences between database and filesystem!!\",\n  \"number_of_entries\": {\n    \"total\": %d,\n    \"changed\": %[1]d\n  },\n  \"changed\": {\n", entries)
		for i := range entries {
			comma := ","
			if i == entries-1 {
				comma = ""
			}
			fmt.Fprintf(w, "    \"/srv/app/folder-%03d/some-file-%06d.txt\": \"f > ...    n.H     \"%s\n", i/1000, i, comma)
		}
		fmt.Fprint(w, "  }\n}\n")
	})
}

func (h benchHost) database(b *testing.B, name string, entries, content int) {
	h.create(b, name, func(out *bufio.Writer) {
		w := gzip.NewWriter(out)
		fmt.Fprint(w, "@@begin_db\n@@db_spec name perm uid gid size sha256 \n")
		for i := range entries {
			fmt.Fprintf(w, "/srv/app/folder-%03d/some-file-%06d.txt 100644 0 0 %d %043d= \n", i/1000, i, content, i*content)
		}
		fmt.Fprint(w, "@@end_db\n")
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkVersion is the time from the start to the first byte, beside that of
// a program that does nothing.
func BenchmarkVersion(b *testing.B) {
	for b.Loop() {
		var node, nothing time.Duration
		for range 100 {
			w, _, _ := measure(b, 0, binary, "version")
			node += w
			w, _, _ = measure(b, 0, "/bin/true")
			nothing += w
		}
		b.ReportMetric(float64(node.Microseconds())/100_000, "ms")
		b.ReportMetric(float64(node)/float64(nothing), "ratio/true")
	}
}
