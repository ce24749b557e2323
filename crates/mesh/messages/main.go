// Command messages prints the protobuf messages of Istio's kinds as the Rust tables of crates/mesh/src/validate/messages, one file for each .proto file.
// They are read from istio.io/api by reflection.
//
//	go run . -out ../src/validate/messages && cargo fmt
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode"

	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	networkingbeta "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The kinds' messages.
var roots = []proto.Message{
	&security.AuthorizationPolicy{}, &security.PeerAuthentication{}, &security.RequestAuthentication{},
	&networking.DestinationRule{}, &networking.EnvoyFilter{}, &networking.Gateway{}, &networking.ServiceEntry{},
	&networking.Sidecar{}, &networking.VirtualService{}, &networking.WorkloadEntry{}, &networking.WorkloadGroup{},
	&networkingbeta.ProxyConfig{}, &telemetry.Telemetry{}, &extensions.WasmPlugin{}, &extensions.TrafficExtension{},
}

type file struct {
	path     string
	messages []protoreflect.MessageDescriptor
	enums    []protoreflect.EnumDescriptor
}

var (
	files = map[string]*file{}
	seen  = map[protoreflect.FullName]bool{}
)

func of(d protoreflect.Descriptor) *file {
	path := d.ParentFile().Path()
	if files[path] == nil {
		files[path] = &file{path: path}
	}
	return files[path]
}

// module is the Rust module of a .proto file: its last name.
func module(d protoreflect.Descriptor) string {
	return strings.TrimSuffix(filepath.Base(d.ParentFile().Path()), ".proto")
}

// constant is a message's name as that of a constant: HTTPRoute is HTTP_ROUTE.
func constant(d protoreflect.Descriptor) string {
	name := strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
	var b strings.Builder
	letters := []rune(name)
	for i, c := range letters {
		if c == '.' {
			b.WriteByte('_')
			continue
		}
		if i > 0 && unicode.IsUpper(c) && letters[i-1] != '.' && letters[i-1] != '_' {
			next := i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if !unicode.IsUpper(letters[i-1]) || next {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToUpper(c))
	}
	return b.String()
}

func walk(md protoreflect.MessageDescriptor) {
	if strings.HasPrefix(string(md.FullName()), "google.protobuf.") || seen[md.FullName()] {
		return
	}
	seen[md.FullName()] = true
	fields := md.Fields()
	for i := 0; i < fields.Len(); i++ {
		fd := fields.Get(i)
		if fd.IsMap() {
			fd = fd.MapValue()
		}
		if m := fd.Message(); m != nil {
			walk(m)
		}
		if e := fd.Enum(); e != nil && !seen[e.FullName()] {
			seen[e.FullName()] = true
			f := of(e)
			f.enums = append(f.enums, e)
		}
	}
	if !md.IsMapEntry() {
		f := of(md)
		f.messages = append(f.messages, md)
	}
}

func place(d, from protoreflect.Descriptor) string {
	if d.ParentFile().Path() == from.ParentFile().Path() {
		return constant(d)
	}
	return "super::" + module(d) + "::" + constant(d)
}

func single(fd protoreflect.FieldDescriptor, from protoreflect.Descriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "Bool"
	case protoreflect.Int32Kind:
		return "Int32"
	case protoreflect.Int64Kind:
		return "Int64"
	case protoreflect.Uint32Kind:
		return "Uint32"
	case protoreflect.Uint64Kind:
		return "Uint64"
	case protoreflect.DoubleKind:
		return "Double"
	case protoreflect.StringKind:
		return "Text"
	case protoreflect.BytesKind:
		return "Bytes"
	case protoreflect.EnumKind:
		return "Enum(&" + place(fd.Enum(), from) + ")"
	case protoreflect.MessageKind:
		name := string(fd.Message().FullName())
		switch strings.TrimPrefix(name, "google.protobuf.") {
		case "BoolValue":
			return "Bool"
		case "Int32Value":
			return "Int32"
		case "Int64Value":
			return "Int64"
		case "UInt32Value":
			return "Uint32"
		case "UInt64Value":
			return "Uint64"
		case "DoubleValue":
			return "Double"
		case "StringValue":
			return "Text"
		case "Duration", "Struct":
			return strings.TrimPrefix(name, "google.protobuf.")
		}
		if strings.HasPrefix(name, "google.protobuf.") {
			panic(name)
		}
		return "Type::Message(&" + place(fd.Message(), from) + ")"
	}
	panic(fd.Kind())
}

func kind(fd protoreflect.FieldDescriptor, from protoreflect.Descriptor) string {
	switch {
	case fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind:
		return "Map(&" + single(fd.MapValue(), from) + ")"
	case fd.IsMap():
		return "NumberMap(&" + single(fd.MapValue(), from) + ")"
	case fd.IsList():
		return "List(&" + single(fd, from) + ")"
	}
	return single(fd, from)
}

func (f *file) rust() string {
	var b strings.Builder
	for _, e := range f.enums {
		fmt.Fprintf(&b, "\npub(in crate::validate) static %s: Enum = Enum {\nname: %q,\nvalues: &[", constant(e), e.FullName())
		for i := 0; i < e.Values().Len(); i++ {
			v := e.Values().Get(i)
			fmt.Fprintf(&b, "(%q, %d),", v.Name(), v.Number())
		}
		b.WriteString("],\n};\n")
	}
	for _, m := range f.messages {
		fmt.Fprintf(&b, "\npub(in crate::validate) static %s: Message = Message {\nfields: &[\n", constant(m))
		for i := 0; i < m.Fields().Len(); i++ {
			fd := m.Fields().Get(i)
			if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
				fmt.Fprintf(&b, "one_of(%d, %q, %q, %s),\n", o.Index(), fd.JSONName(), fd.Name(), kind(fd, m))
			} else {
				fmt.Fprintf(&b, "field(%q, %q, %s),\n", fd.JSONName(), fd.Name(), kind(fd, m))
			}
		}
		b.WriteString("],\n};\n")
	}
	body := b.String()
	var used []string
	for _, name := range []string{"Bool", "Bytes", "Double", "Duration", "Enum", "Int32", "Int64", "List", "Map", "NumberMap", "Struct", "Text", "Uint32", "Uint64"} {
		if strings.Contains(body, ", "+name) || strings.Contains(body, "(&"+name) {
			used = append(used, name)
		}
	}
	var helpers []string
	for _, h := range []string{"field", "one_of"} {
		if strings.Contains(body, "\n"+h+"(") {
			helpers = append(helpers, h)
		}
	}
	parts := []string{}
	if len(f.enums) > 0 {
		parts = append(parts, "Enum")
	}
	if len(f.messages) > 0 {
		parts = append(parts, "Message")
	}
	// The name Enum is a struct, that of the type Type::Enum.
	out := "//! Generated by crates/mesh/messages. Source: istio.io/api `" + f.path + "`.\n\n"
	body = strings.ReplaceAll(body, ", Enum(&", ", Type::Enum(&")
	body = strings.ReplaceAll(body, "(&Enum(&", "(&Type::Enum(&")
	kept := []string{}
	for _, u := range used {
		if u != "Enum" {
			kept = append(kept, u)
		}
	}
	if strings.Contains(body, "Type::") || len(kept) > 0 {
		parts = append(parts, "Type")
	}
	parts = append(parts, helpers...)
	out += "use crate::validate::proto::{" + strings.Join(parts, ", ") + "};\n"
	if len(kept) > 0 {
		out += "use Type::{" + strings.Join(kept, ", ") + "};\n"
	}
	return out + body
}

func main() {
	out := flag.String("out", ".", "directory to write to")
	flag.Parse()
	for _, m := range roots {
		walk(m.ProtoReflect().Descriptor())
	}
	var names []string
	for _, f := range files {
		var d protoreflect.Descriptor
		if len(f.messages) > 0 {
			d = f.messages[0]
		} else {
			d = f.enums[0]
		}
		names = append(names, module(d))
		if err := os.WriteFile(filepath.Join(*out, module(d)+".rs"), []byte(f.rust()), 0o644); err != nil {
			panic(err)
		}
	}
	sort.Strings(names)
	mod := "//! The messages of the kinds that are validated. Generated by crates/mesh/messages.\n\n"
	for _, n := range names {
		mod += "pub(super) mod " + n + ";\n"
	}
	if err := os.WriteFile(filepath.Join(*out, "mod.rs"), []byte(mod), 0o644); err != nil {
		panic(err)
	}
}
