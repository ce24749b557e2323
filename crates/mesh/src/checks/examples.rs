//! What the examples of checks have in common.

/// A namespace whose pods get sidecars.
macro_rules! injected {
    () => {
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio-injection: enabled
---
"
    };
}

/// A namespace whose pods are in ambient mode.
macro_rules! ambient {
    () => {
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio.io/dataplane-mode: ambient
---
"
    };
}

/// A pod that listens on 8080.
macro_rules! web {
    () => {
        "\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  serviceAccountName: web
  containers:
  - name: web
    ports:
    - containerPort: 8080
---
"
    };
}

/// The Service before it.
macro_rules! service {
    () => {
        "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: 8080
---
"
    };
}

/// That the namespace takes mutual TLS alone.
macro_rules! strict {
    () => {
        "\
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: STRICT
---
"
    };
}

/// The head of an `AuthorizationPolicy` of the namespace; its `spec` follows.
macro_rules! policy {
    ($name:literal) => {
        concat!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  name: ",
            $name,
            "\n  namespace: shop\n"
        )
    };
}

pub(super) use {ambient, injected, policy, service, strict, web};
