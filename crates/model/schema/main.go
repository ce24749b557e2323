// Command schema prints the shapes of Kubernetes' built-in kinds, read by reflection from k8s.io/api: the
// files kubernetes.txt and retired.txt beside it.
//
//	go run . > kubernetes.txt                                      after raising the version in go.mod
//	go run -modfile=retired.mod -tags retired . > retired.txt      kinds that no API server serves any more
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// custom are the types that read themselves from JSON.
var custom = map[reflect.Type]string{
	reflect.TypeOf(resource.Quantity{}):    "quantity",
	reflect.TypeOf(metav1.Time{}):          "time",
	reflect.TypeOf(metav1.MicroTime{}):     "microtime",
	reflect.TypeOf(metav1.Duration{}):      "duration",
	reflect.TypeOf(intstr.IntOrString{}):   "intorstring",
	reflect.TypeOf(metav1.FieldsV1{}):      "any",
	reflect.TypeOf(runtime.RawExtension{}): "any",
}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

type printer struct {
	todo []reflect.Type
	done map[reflect.Type]bool
}

func name(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	return strings.Join(parts[len(parts)-2:], ".") + "." + t.Name()
}

func (p *printer) expr(t reflect.Type) string {
	if word, ok := custom[t]; ok {
		return word
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshaler) {
		panic("type reads itself and is not listed: " + t.String())
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.expr(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64, reflect.Float64, reflect.Uint8:
		return t.Kind().String()
	case reflect.Int:
		return "int64"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + p.expr(t.Elem())
	case reflect.Map:
		return "{}" + p.expr(t.Elem())
	case reflect.Struct:
		if !p.done[t] {
			p.done[t] = true
			p.todo = append(p.todo, t)
		}
		return name(t)
	}
	panic("no word for " + t.String())
}

func (p *printer) fields(t reflect.Type, out map[string]string) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if tag[0] == "-" || !f.IsExported() {
			continue
		}
		if tag[0] == "" {
			if !f.Anonymous {
				panic("field without a name: " + t.String() + "." + f.Name)
			}
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			p.fields(inner, out)
			continue
		}
		out[tag[0]] = p.expr(f.Type)
	}
}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range groups {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	p := &printer{done: map[reflect.Type]bool{}}
	var kinds []string
	for gvk, t := range scheme.AllKnownTypes() {
		_, isObject := reflect.New(t).Interface().(metav1.Object)
		if gvk.Version == "__internal" || !isObject || gvk.Kind == "WatchEvent" || !wanted(gvk.Kind) {
			continue
		}
		group := gvk.Group
		if group == "" {
			group = "core"
		}
		kinds = append(kinds, fmt.Sprintf("kind %s %s %s %s", group, gvk.Version, gvk.Kind, p.expr(t)))
	}
	sort.Strings(kinds)

	types := map[string]map[string]string{}
	for len(p.todo) > 0 {
		t := p.todo[0]
		p.todo = p.todo[1:]
		fields := map[string]string{}
		p.fields(t, fields)
		types[name(t)] = fields
	}

	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintln(out, "# Made by main.go from k8s.io/api "+version+"; do not edit.")
	for _, k := range kinds {
		fmt.Fprintln(out, k)
	}
	var names []string
	for n := range types {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintln(out, ":"+n)
		var keys []string
		for k := range types[n] {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			fmt.Fprintln(out, k, types[n][k])
		}
	}
}
