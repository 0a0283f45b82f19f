#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API server in miniature, for tests of the kubernetes pack: one deployment, its pods, scale.

    kube_api.py STATE_FILE [OPEN_FILE]

Listens on a port of its own choice, which it writes to OPEN_FILE when it does (else prints it). The state is a JSON
file ({"replicas": 3, "pods": ["web-1"]}) so that a test can look at it from outside.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = sys.argv[1]


def load():
    with open(STATE, encoding="utf-8") as f:
        return json.load(f)


def save(state):
    with open(STATE, "w", encoding="utf-8") as f:
        json.dump(state, f)


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"},
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
                                              "uid": "1", "controller": True}]},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]}, "status": {"phase": "Running"}}


def deployment(state):
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "1", "uid": "2"},
            "spec": {"replicas": state["replicas"], "selector": {"matchLabels": {"app": "web"}},
                     "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod("web")["spec"]}},
            "status": {"replicas": state["replicas"]}}


def scale(state):
    return {"apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "1"},
            "spec": {"replicas": state["replicas"]}, "status": {"replicas": state["replicas"], "selector": "app=web"}}


def resource(name, kind, verbs, namespaced=True):
    return {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs}


DISCOVERY = {
    "/version": {"major": "1", "minor": "31", "gitVersion": "v1.31.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
         "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        resource("pods", "Pod", ["get", "list", "delete"])]},
    "/apis/apps/v1": {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
        resource("deployments", "Deployment", ["get", "list", "update", "patch"]),
        dict(resource("deployments/scale", "Scale", ["get", "update", "patch"]), group="autoscaling", version="v1")]},
}
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
PODS = "/api/v1/namespaces/shop/pods"


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def absent(self):
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                     "message": "not found"}, 404)

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        state = load()
        if path in DISCOVERY:
            self.answer(DISCOVERY[path])
        elif path == WEB:
            self.answer(deployment(state))
        elif path == WEB + "/scale":
            self.answer(scale(state))
        elif path == PODS:
            self.answer({"apiVersion": "v1", "kind": "PodList", "metadata": {},
                         "items": [pod(p) for p in state["pods"]]})
        elif path.startswith(PODS + "/") and path[len(PODS) + 1:] in state["pods"]:
            self.answer(pod(path[len(PODS) + 1:]))
        else:
            self.absent()

    def change(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        path = self.path.split("?")[0]
        state = load()
        if path not in (WEB, WEB + "/scale"):
            self.absent()
            return
        state["replicas"] = body["spec"]["replicas"]
        save(state)
        self.answer(scale(state) if path.endswith("/scale") else deployment(state))

    do_PUT = change
    do_PATCH = change

    def do_DELETE(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        name = self.path.split("?")[0][len(PODS) + 1:]
        state = load()
        if name not in state["pods"]:
            self.absent()
            return
        state["pods"].remove(name)
        state["pods"].append(name + "-again")  # its controller makes another
        save(state)
        self.answer(pod(name))


server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
if len(sys.argv) > 2:
    with open(sys.argv[2], "w", encoding="utf-8") as opened:
        opened.write(str(server.server_address[1]))
else:
    print(server.server_address[1], flush=True)
server.serve_forever()
