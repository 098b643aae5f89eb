package agent

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/s3"
)

// objectStore serves a store in which nobody may look for "unlisted", and closes the
// connection in the middle of the object "cut".
func objectStore(t *testing.T, store *s3.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch signature := r.Header.Get("Authorization"); {
		case signature == "":
			w.WriteHeader(http.StatusForbidden)
		case !strings.Contains(signature, "Credential=AKIDEXAMPLE/") || !strings.Contains(signature, "/us-east-1/s3/aws4_request"):
			t.Errorf("signature %q", signature)
		case strings.HasPrefix(r.URL.Query().Get("prefix"), "unlisted"):
			s3.Refuse(w, r, &s3.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"})
		case r.URL.Path == "/lab/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
		default:
			store.Serve(w, r, nil)
		}
	})
}

func download(source, destination string) string {
	return fmt.Sprintf(`{"action":"aws:downloadContent","name":"d","inputs":{"sourceType":"S3","sourceInfo":"{\"path\":\"%s\"}","destinationPath":%q}}`, source, destination)
}

func TestDownload(t *testing.T) {
	state, elsewhere := t.TempDir(), t.TempDir()
	const forbidden = "http request failed. status:403 Forbidden statuscode:403"
	const list = `cd "$PWD" && find . -type f ! -name '*.etag' | sort | tr '\n' ' '; cat a.tar.gz 2>/dev/null; exit 0`
	for i, tc := range []struct {
		name, step string
		said, err  string // of the step
		script     string // what a script finds where it runs, and the content of a.tar.gz
	}{
		{"to a name", download("https://s3.us-east-1.amazonaws.com/lab/dir/a.tar.gz", "a.tar.gz"), "Content downloaded to DOWNLOADS/a.tar.gz", "", "./a.tar.gz A"},
		{"to the folder", download("https://s3.us-east-1.amazonaws.com/lab/dir/a.tar.gz", ""), "Content downloaded to DOWNLOADS/", "", "./a.tar.gz A"},
		{"to a folder in it", download("https://s3.us-east-1.amazonaws.com/lab/dir/a.tar.gz", "x/"), "Content downloaded to DOWNLOADS/x/", "", "./x/a.tar.gz "},
		{"a folder", download("https://lab.s3.us-east-1.amazonaws.com/dir", ""), "Content downloaded to DOWNLOADS/", "", "./a.tar.gz ./deep/b A"},
		{"a plus sign", download("https://s3.amazonaws.com/lab/1.0%2B1.gz", "a.tar.gz"), "Content downloaded to DOWNLOADS/a.tar.gz", "", "./a.tar.gz plus"},
		{"elsewhere", download("https://s3.us-east-1.amazonaws.com/lab/dir/a.tar.gz", elsewhere), "Content downloaded to " + elsewhere, "", "BIN"},
		{"not to be listed", download("https://s3.us-east-1.amazonaws.com/lab/unlisted", "a.tar.gz"), "Content downloaded to DOWNLOADS/a.tar.gz", "", "./a.tar.gz U"},
		{"a folder not to be listed", download("https://s3.us-east-1.amazonaws.com/lab/unlisted/", "x"), "", "AccessDenied: Access Denied\n\tstatus code: 403, request id: , host id: ", "BIN"},
		{"not allowed", download("https://s3.us-east-1.amazonaws.com/lab/secret", "a.tar.gz"), "", forbidden, ""},
		{"nothing there", download("https://s3.us-east-1.amazonaws.com/lab/none", "a.tar.gz"), "", forbidden, ""},
		{"cut short", download("https://s3.us-east-1.amazonaws.com/lab/cut", "a.tar.gz"), "", forbidden, ""},
		{"no bucket", download("https://s3.us-east-1.amazonaws.com/none/x", "a.tar.gz"), "", forbidden, ""},
		{"a folder of no bucket", download("https://s3.us-east-1.amazonaws.com/none/x/", "a.tar.gz"), "", "NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, request id: , host id: ", "BIN"},
		{"no place", download("https://s3.us-east-1.amazonaws.com/lab/dir/a.tar.gz", "/dev/null/x"), "", "failed to create directory=/dev/null, err=mkdir /dev/null: not a directory", "BIN"},
		{"no address of S3", download("https://example.org/lab/x", "x"), "", "the lab's agent knows no such S3 path: https://example.org/lab/x", "BIN"},
		{"no path", download(" ", "x"), "", "S3 source path in SourceInfo must be specified", "BIN"},
		{"no JSON", `{"action":"aws:downloadContent","name":"d","inputs":{"sourceType":"S3","sourceInfo":"x"}}`, "", "s3 url parsing failed. Source Info could not be unmarshalled for source type S3. Please check JSON format of SourceInfo - invalid character 'x' looking for beginning of value", "BIN"},
		{"no info", `{"action":"aws:downloadContent","name":"d","inputs":{"sourceType":"S3"}}`, "", "invalid input: SourceInfo must be specified", "BIN"},
		{"an object for the info", `{"action":"aws:downloadContent","name":"d","inputs":{"sourceType":"S3","sourceInfo":{"path":"x"}}}`, "", "invalid format in plugin properties map[sourceInfo:map[path:x] sourceType:S3]", "BIN"},
		{"no type", `{"action":"aws:downloadContent","name":"d","inputs":{}}`, "", "invalid input: SourceType must be specified", "BIN"},
		{"another source", `{"action":"aws:downloadContent","name":"d","inputs":{"sourceType":"GitHub","sourceInfo":"{}"}}`, "", "invalid input: the lab's agent knows the source type S3, not GitHub", "BIN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := s3.New("us-east-1", "lab")
			store.Reader("AKIDEXAMPLE")
			for key, body := range map[string]string{"dir/a.tar.gz": "A", "dir/deep/b": "B", "dir/empty/": "", "1.0+1.gz": "plus", "secret": "S", "unlisted": "U"} {
				if err := store.Put("lab", key, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			policy := httptest.NewRequest(http.MethodPut, "/lab?policy", nil)
			policy.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			store.Serve(httptest.NewRecorder(), policy, []byte(`{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/secret"}]}`))
			f := newFakeService(t)
			f.objects = objectStore(t, store)
			f.start(state, nil)
			command := fmt.Sprint("download-", i)
			steps, final := f.run(command, content(tc.step, shell("s", `case $PWD in /usr/bin) printf BIN;; *) `+list+`;; esac`)), nil)
			folder := filepath.Join(state, testInstance, "document/orchestration", command, "downloads")
			if len(steps) != 2 {
				t.Fatalf("%d steps", len(steps))
			}
			said := strings.ReplaceAll(tc.said, "DOWNLOADS", folder)
			got := steps[0]
			assert.Equal(t, said, got.StandardOutput, "the step said %q and %q, code %d", got.StandardOutput, got.StandardError, got.Code)
			assert.Equal(t, tc.err, got.StandardError)
			assert.Equal(t, tc.err == "", got.Code == 0)
			if got := steps[1].StandardOutput; got != tc.script {
				t.Errorf("the script found %q, want %q", got, tc.script)
			}
			if (final.DocumentStatus == success) != (tc.err == "") {
				t.Errorf("the document is %s", final.DocumentStatus)
			}
		})
	}
	got, err := os.ReadFile(filepath.Join(elsewhere, "a.tar.gz"))
	assert.NoError(t, err)
	assert.Equal(t, "A", string(got))
	info, err := os.Stat(filepath.Join(elsewhere, "a.tar.gz"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}
