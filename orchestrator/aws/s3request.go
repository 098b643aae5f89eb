package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Request is one request of S3.
type s3Request struct {
	operation, method, bucket, key string
	header                         http.Header
	body                           []byte
}

// do sends the request through the same steps as the SDK's clients do: the log,
// the retries, the signature, the transport. The answer's body is read and gone.
func (r s3Request) do(ctx context.Context, cfg aws.Config) (*smithyhttp.Response, error) {
	stack := middleware.NewStack(r.operation, smithyhttp.NewStackRequest)
	if err := r.assemble(stack, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", r.operation, err)
	}
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	out, _, err := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(client), stack).Handle(ctx, r)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: "S3", OperationName: r.operation, Err: err}
	}
	return out.(*smithyhttp.Response), nil
}

func (r s3Request) assemble(stack *middleware.Stack, cfg aws.Config) error {
	steps := []error{
		stack.Initialize.Add(&awsmiddleware.RegisterServiceMetadata{
			ServiceID: "S3", SigningName: "s3", Region: cfg.Region, OperationName: r.operation,
		}, middleware.Before),
		stack.Serialize.Add(middleware.SerializeMiddlewareFunc("OperationSerializer", r.serialize(cfg)), middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing", r.sign(cfg)), middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", deserializeS3), middleware.After),
		retry.AddRetryMiddlewares(stack, retry.AddRetryMiddlewaresOptions{Retryer: retryer(cfg)}),
		awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "s3", aws.SDKVersion)(stack),
		awsmiddleware.AddRawResponseToMetadata(stack),
	}
	if cfg.AppID != "" {
		steps = append(steps, awsmiddleware.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, cfg.AppID)(stack))
	}
	for _, option := range cfg.APIOptions {
		steps = append(steps, option(stack))
	}
	for _, err := range steps {
		if err != nil {
			return err
		}
	}
	return nil
}

// retryer is the configuration's, as the SDK's clients take it.
func retryer(cfg aws.Config) aws.Retryer {
	var r aws.Retryer
	if cfg.Retryer != nil {
		r = cfg.Retryer()
	}
	if r == nil {
		r = retry.NewStandard()
	}
	if cfg.RetryMaxAttempts > 0 {
		r = retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts)
	}
	return r
}

type serialize = func(context.Context, middleware.SerializeInput, middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error)

func (r s3Request) serialize(cfg aws.Config) serialize {
	return func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
		out middleware.SerializeOutput, metadata middleware.Metadata, err error,
	) {
		req := in.Request.(*smithyhttp.Request)
		base, err := baseURL(ctx, cfg)
		if err != nil {
			return out, metadata, err
		}
		// With the bucket in the path: one certificate fits every name, and no name
		// has to be found for a bucket at an endpoint of one's own.
		req.URL = base
		base.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + escapePath(r.bucket, r.key)
		base.Path = strings.TrimSuffix(base.Path, "/") + "/" + r.bucket + "/" + r.key
		req.Method = r.method
		for name, values := range r.header {
			req.Header[name] = values
		}
		sum := sha256.Sum256(r.body)
		req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		if r.method == http.MethodPut {
			if req, err = req.SetStream(bytes.NewReader(r.body)); err != nil {
				return out, metadata, err
			}
			req.ContentLength = int64(len(r.body))
		}
		in.Request = req
		return next.HandleSerialize(ctx, in)
	}
}

type finalize = func(context.Context, middleware.FinalizeInput, middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error)

func (r s3Request) sign(cfg aws.Config) finalize {
	// S3 alone takes a path as it is, and not escaped once more.
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
	) {
		if cfg.Credentials == nil {
			return out, metadata, fmt.Errorf("get identity: no credentials")
		}
		credentials, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return out, metadata, fmt.Errorf("get identity: %w", err)
		}
		req := in.Request.(*smithyhttp.Request)
		hash := req.Header.Get("X-Amz-Content-Sha256")
		if err := signer.SignHTTP(ctx, credentials, req.Request, hash, "s3", cfg.Region, time.Now()); err != nil {
			return out, metadata, fmt.Errorf("sign: %w", err)
		}
		return next.HandleFinalize(ctx, in)
	}
}

// deserializeS3 makes an error of every answer that is none of success.
func deserializeS3(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	if out, metadata, err = next.HandleDeserialize(ctx, in); err != nil {
		return out, metadata, err
	}
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, fmt.Errorf("unknown transport %T", out.RawResponse)
	}
	defer func() { _ = answer.Body.Close() }()
	id := answer.Header.Get("X-Amz-Request-Id")
	awsmiddleware.SetRequestIDMetadata(&metadata, id)
	if answer.StatusCode/100 != 2 {
		return out, metadata, &awshttp.ResponseError{
			ResponseError: &smithyhttp.ResponseError{Response: answer, Err: s3Error(answer)}, RequestID: id,
		}
	}
	_, err = io.Copy(io.Discard, answer.Body) // so that the connection can be used again
	out.Result = answer
	return out, metadata, err
}
