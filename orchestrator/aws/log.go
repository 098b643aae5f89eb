package aws

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithymiddleware "github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

type loggerKey struct{}

// WithLogger returns a context whose AWS calls are logged, one line a call: its operation
// and place, how long it took with all attempts, and how it ended. Neither what was sent
// nor what came back is logged, nor any credentials.
func WithLogger(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, l)
}

// logCalls is an option of the SDK's clients that logs to the logger of the
// context, if it has one.
func logCalls(stack *smithymiddleware.Stack) error {
	// After: by then the first step has named the operation, and all later steps, with the
	// retries, come within.
	return stack.Initialize.Add(smithymiddleware.InitializeMiddlewareFunc("LogCalls", logCall), smithymiddleware.After)
}

func logCall(ctx context.Context, in smithymiddleware.InitializeInput, next smithymiddleware.InitializeHandler) (
	smithymiddleware.InitializeOutput, smithymiddleware.Metadata, error,
) {
	logger, ok := ctx.Value(loggerKey{}).(*slog.Logger)
	if !ok {
		return next.HandleInitialize(ctx, in)
	}
	begin := time.Now()
	out, metadata, err := next.HandleInitialize(ctx, in)
	attrs := []slog.Attr{
		slog.String("service", middleware.GetServiceID(ctx)),
		slog.String("operation", middleware.GetOperationName(ctx)),
		slog.String("region", middleware.GetRegion(ctx)),
		slog.Float64("seconds", time.Since(begin).Round(time.Millisecond).Seconds()),
	}
	if tries, ok := retry.GetAttemptResults(metadata); ok {
		attrs = append(attrs, slog.Int("attempts", len(tries.Results)))
	}
	status, id := response(metadata, err)
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	if id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", cause(err)))
	}
	logger.LogAttrs(ctx, level, "AWS call", attrs...)
	return out, metadata, err
}

// response is the HTTP status and the request id of the last attempt, if it was answered.
func response(metadata smithymiddleware.Metadata, err error) (status int, id string) {
	id, _ = middleware.GetRequestIDMetadata(metadata)
	if r, ok := middleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
		status = r.StatusCode
	}
	var failed *awshttp.ResponseError
	if errors.As(err, &failed) {
		status = failed.HTTPStatusCode()
		if id == "" {
			id = failed.ServiceRequestID()
		}
	}
	return status, id
}

// cause is the service's code of an error. Its message is left to the error that ends the
// program, because it repeats parts of the request.
func cause(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return tail(oneLine(err.Error()))
}
