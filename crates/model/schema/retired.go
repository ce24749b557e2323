//go:build retired

package main

import (
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
)

// The last version of k8s.io/api that has them.
const version = "v0.24.17"

var groups = []func(*runtime.Scheme) error{policyv1beta1.AddToScheme, extensionsv1beta1.AddToScheme}

// The other kinds of these groups live on in newer versions.
func wanted(kind string) bool { return kind == "PodSecurityPolicy" }
