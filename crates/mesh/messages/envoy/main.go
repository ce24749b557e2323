// Command envoy prints the messages that an EnvoyFilter's patch can hold: all that istiod knows. They are read from go-control-plane and what it
// needs by reflection, as istio.io/istio pkg/config/xds links them.
//
//	go run . > ../envoy.txt
//
// The messages and enums stand by name; a line is a word and what it says:
//
//	package NAME                              of all that follows
//	enum NAME VALUE=NUMBER...                 an enum
//	message NAME                              begins a message
//	(a tab) FIELD [ONEOF/][*|%KEY]TYPE                a field in the order of its file: its group, whether it is a list (*) or a map (%), its type
//
// A type is a scalar of protobuf, or a name, which begins with a dot where it is of another package.
package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "istio.io/istio/pkg/config/xds"
)

// relative is a name in its package.
func relative(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
}

func reference(d, from protoreflect.Descriptor) string {
	if d.ParentFile().Package() == from.ParentFile().Package() {
		return relative(d)
	}
	return "." + string(d.FullName())
}

func kind(fd protoreflect.FieldDescriptor, from protoreflect.Descriptor) string {
	switch {
	case fd.Enum() != nil:
		return reference(fd.Enum(), from)
	case fd.Message() != nil:
		return reference(fd.Message(), from)
	}
	return fd.Kind().String()
}

func main() {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	var all []protoreflect.Descriptor
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if !mt.Descriptor().IsMapEntry() && !strings.HasPrefix(string(mt.Descriptor().FullName()), "validate.") {
			all = append(all, mt.Descriptor())
		}
		return true
	})
	protoregistry.GlobalTypes.RangeEnums(func(et protoreflect.EnumType) bool {
		all = append(all, et.Descriptor())
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.Descriptor) int {
		if c := strings.Compare(string(a.ParentFile().Package()), string(b.ParentFile().Package())); c != 0 {
			return c
		}
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	var last protoreflect.FullName
	for _, d := range all {
		if p := d.ParentFile().Package(); p != last {
			last = p
			fmt.Fprintf(w, "package %s\n", p)
		}
		if e, ok := d.(protoreflect.EnumDescriptor); ok {
			fmt.Fprintf(w, "enum %s", relative(e))
			for i := range e.Values().Len() {
				v := e.Values().Get(i)
				fmt.Fprintf(w, " %s=%d", v.Name(), v.Number())
			}
			fmt.Fprintln(w)
			continue
		}
		m := d.(protoreflect.MessageDescriptor)
		fmt.Fprintf(w, "message %s\n", relative(m))
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			group, many := "", ""
			if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
				group = fmt.Sprintf("%d/", o.Index())
			}
			of := fd
			switch {
			case fd.IsMap():
				many = "%" + fd.MapKey().Kind().String() + " "
				of = fd.MapValue()
			case fd.IsList():
				many = "*"
			}
			fmt.Fprintf(w, "\t%s %s%s%s\n", fd.Name(), group, many, kind(of, m))
		}
	}
}
