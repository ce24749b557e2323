// Command default-policy prints the RBAC objects that the API server of a Kubernetes version makes when it starts, with the
// feature gates that it turns on by itself: the files v1.*.txt beside it. The policy's package registers the gates with their defaults,
// and kube-apiserver changes none of them before it asks for the policy.
//
//	go run . > v1.37.txt                             the newest version; go.mod says which patch release it is read from
//	go run -modfile=v1.36.mod . > v1.36.txt          an older one; so are v1.35 and v1.34
//
// `git diff --exit-code` after that says whether the files are what the reference gives. For a new version: go.mod becomes the mod
// file of the version that it was for, and names the new one in `require` and in each `replace`; `../src/default_policy.rs` gets a line.
//
// The objects stand in the reference's own order, those in namespaces by namespace. A line is a word and what it says:
//
//	ClusterRole NAME, Role NAMESPACE/NAME            begins an object, as do the bindings
//	label KEY=VALUE, annotation KEY=VALUE            of the object; of every object where it stands before the first
//	selector KEY=VALUE[,KEY=VALUE]                   one of the aggregation rule's clusterRoleSelectors, by its matchLabels
//	rule FIELD=ITEM[,ITEM] ...                       the fields of one rule that are not empty; the core group is called core
//	roleRef KIND NAME
//	subject KIND NAME, subject ServiceAccount NAMESPACE/NAME
//
// The apiGroup of a roleRef and of a User or Group is always that of RBAC. What has no place in this form ends the program.
package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// An object, ready to be printed.
type object struct {
	kind                string
	name                string
	labels, annotations map[string]string
	body                []string
}

// word lets a text into the file that cannot be taken for two.
func word(text string) string {
	if text == "" || strings.ContainsAny(text, " \t\r\n,=") {
		panic(fmt.Sprintf("no form for %q", text))
	}
	return text
}

func pair(key, value string) string { return word(key) + "=" + word(value) }

func pairs(m map[string]string) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, pair(key, m[key]))
	}
	return all
}

// nothingLeft holds the program to printing all of an object: the fields that were printed have been emptied.
func nothingLeft(object any) {
	if !reflect.ValueOf(object).IsZero() {
		panic(fmt.Sprintf("no form for %+v", object))
	}
}

// take gives what a field holds, and empties it.
func take[T any](field *T) T {
	value := *field
	*field = *new(T)
	return value
}

func rule(r rbacv1.PolicyRule) string {
	line := "rule"
	list := func(field string, items []string) {
		if len(items) == 0 {
			return
		}
		var words []string
		for _, item := range items {
			words = append(words, word(item))
		}
		line += " " + field + "=" + strings.Join(words, ",")
	}
	groups := slices.Clone(take(&r.APIGroups))
	for i, group := range groups {
		switch group {
		case "":
			groups[i] = "core"
		case "core":
			panic("a group is called core")
		}
	}
	list("verbs", take(&r.Verbs))
	list("apiGroups", groups)
	list("resources", take(&r.Resources))
	list("resourceNames", take(&r.ResourceNames))
	list("nonResourceURLs", take(&r.NonResourceURLs))
	nothingLeft(r)
	return line
}

func head(kind string, meta *metav1.ObjectMeta, namespaced bool) object {
	name := word(take(&meta.Name))
	namespace := take(&meta.Namespace)
	if namespaced != (namespace != "") {
		panic(fmt.Sprintf("%s %s is in namespace %q", kind, name, namespace))
	}
	if namespaced {
		name = word(namespace) + "/" + name
	}
	o := object{kind: kind, name: name, labels: take(&meta.Labels), annotations: take(&meta.Annotations)}
	nothingLeft(*meta)
	return o
}

func role(kind string, meta metav1.ObjectMeta, aggregation *rbacv1.AggregationRule, rules []rbacv1.PolicyRule) object {
	o := head(kind, &meta, kind == "Role")
	if aggregation != nil {
		if len(aggregation.ClusterRoleSelectors) == 0 {
			panic("no form for an aggregation rule that selects nothing")
		}
		for _, selector := range aggregation.ClusterRoleSelectors {
			labels := take(&selector.MatchLabels)
			if len(labels) == 0 {
				panic("no form for a selector without labels")
			}
			o.body = append(o.body, "selector "+strings.Join(pairs(labels), ","))
			nothingLeft(selector)
		}
	}
	for _, r := range rules {
		o.body = append(o.body, rule(r))
	}
	return o
}

func binding(kind string, meta metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) object {
	o := head(kind, &meta, kind == "RoleBinding")
	group := func(group string) {
		if group != rbacv1.GroupName {
			panic(fmt.Sprintf("%s %s names something of group %q", kind, o.name, group))
		}
	}
	group(take(&ref.APIGroup))
	o.body = append(o.body, "roleRef "+word(take(&ref.Kind))+" "+word(take(&ref.Name)))
	nothingLeft(ref)
	for _, subject := range subjects {
		of, name := take(&subject.Kind), word(take(&subject.Name))
		if of == rbacv1.ServiceAccountKind {
			name = word(take(&subject.Namespace)) + "/" + name
		} else {
			group(take(&subject.APIGroup))
		}
		o.body = append(o.body, "subject "+word(of)+" "+name)
		nothingLeft(subject)
	}
	return o
}

// objects are all that kube-apiserver makes, in the order of pkg/registry/rbac/rest/storage_rbac.go.
func objects() []object {
	var all []object
	for _, r := range slices.Concat(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()) {
		nothingLeft(r.TypeMeta)
		all = append(all, role("ClusterRole", r.ObjectMeta, r.AggregationRule, r.Rules))
	}
	for _, b := range slices.Concat(bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()) {
		nothingLeft(b.TypeMeta)
		all = append(all, binding("ClusterRoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects))
	}
	roles, bindings := bootstrappolicy.NamespaceRoles(), bootstrappolicy.NamespaceRoleBindings()
	for _, namespace := range slices.Sorted(maps.Keys(roles)) {
		for _, r := range roles[namespace] {
			nothingLeft(r.TypeMeta)
			all = append(all, role("Role", r.ObjectMeta, nil, r.Rules))
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(bindings)) {
		for _, b := range bindings[namespace] {
			nothingLeft(b.TypeMeta)
			all = append(all, binding("RoleBinding", b.ObjectMeta, b.RoleRef, b.Subjects))
		}
	}
	return all
}

// common takes the pairs that all objects have out of them.
func common(all []object, field func(*object) map[string]string) map[string]string {
	shared := maps.Clone(field(&all[0]))
	for i := range all {
		own := field(&all[i])
		maps.DeleteFunc(shared, func(key, value string) bool { other, has := own[key]; return !has || other != value })
	}
	for i := range all {
		maps.DeleteFunc(field(&all[i]), func(key, _ string) bool { _, is := shared[key]; return is })
	}
	return shared
}

// version is that of the module k8s.io/kubernetes that the program is built with.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == "k8s.io/kubernetes" {
				return module.Version
			}
		}
	}
	panic("built without module k8s.io/kubernetes")
}

func main() {
	all := objects()
	// The reference's objects may share their maps.
	for i := range all {
		all[i].labels, all[i].annotations = maps.Clone(all[i].labels), maps.Clone(all[i].annotations)
	}
	labels := common(all, func(o *object) map[string]string { return o.labels })
	annotations := common(all, func(o *object) map[string]string { return o.annotations })

	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	meta := func(labels, annotations map[string]string) {
		for _, one := range pairs(labels) {
			fmt.Fprintln(out, "label", one)
		}
		for _, one := range pairs(annotations) {
			fmt.Fprintln(out, "annotation", one)
		}
	}
	fmt.Fprintln(out, "# Made by main.go from k8s.io/kubernetes "+version()+"; do not edit.")
	meta(labels, annotations)
	for _, o := range all {
		fmt.Fprintln(out, o.kind, o.name)
		meta(o.labels, o.annotations)
		for _, line := range o.body {
			fmt.Fprintln(out, line)
		}
	}
}
