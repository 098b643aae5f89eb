package iamtest

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
)

// named are the actions of operations that IAM calls by another name, or for which the
// project has no client of the SDK.
var named = map[string]string{
	"PutObject":     "s3:PutObject",
	"HeadObject":    "s3:GetObject",
	"GetObject":     "s3:GetObject",
	"ListObjectsV2": "s3:ListBucket",
	"PutEvents":     "events:PutEvents",
}

// free are actions that everybody may take (STS API reference, GetCallerIdentity).
var free = []string{"sts:GetCallerIdentity"}

// Calls are the IAM actions of the operations in structs, and in structs in them, sorted.
// An operation is a field that is a function and not nil. Its name and the service of its
// input are the action's.
func Calls(structs ...any) (actions []string) {
	for _, s := range structs {
		actions = append(actions, calls(reflect.ValueOf(s))...)
	}
	slices.Sort(actions)
	return slices.DeleteFunc(slices.Compact(actions), func(a string) bool { return slices.Contains(free, a) })
}

func calls(v reflect.Value) (actions []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Func && !f.IsNil() {
				actions = append(actions, action(v.Type().Field(i)))
			} else {
				actions = append(actions, calls(f)...)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			actions = append(actions, calls(v.Index(i))...)
		}
	}
	return actions
}

// action is that of an operation.
func action(field reflect.StructField) string {
	if a, ok := named[field.Name]; ok {
		return a
	}
	if field.Type.NumIn() < 2 || field.Type.In(1).Kind() != reflect.Pointer || !strings.Contains(field.Type.In(1).Elem().PkgPath(), "/service/") {
		return fmt.Sprintf("%s: no operation of AWS", field.Name)
	}
	return path.Base(field.Type.In(1).Elem().PkgPath()) + ":" + field.Name
}

// errRecorded is what a recorded operation answers.
var errRecorded = errors.New("it was only recorded")

// Record replaces each function in a struct by one that fails. It returns a function that
// lists the actions called since, sorted.
func Record(operations any) (called func() []string) {
	var actions []string
	v := reflect.ValueOf(operations).Elem()
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		if f.Kind() != reflect.Func {
			continue
		}
		f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value {
			actions = append(actions, action(field))
			var results []reflect.Value
			for n := range f.Type().NumOut() - 1 {
				results = append(results, reflect.Zero(f.Type().Out(n)))
			}
			return append(results, reflect.ValueOf(&errRecorded).Elem())
		}))
	}
	return func() []string {
		slices.Sort(actions)
		return slices.DeleteFunc(slices.Compact(slices.Clone(actions)), func(a string) bool { return slices.Contains(free, a) })
	}
}
