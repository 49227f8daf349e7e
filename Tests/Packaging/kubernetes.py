# SPDX-License-Identifier: Apache-2.0
"""packaging/kubernetes: what kustomize and Helm make of it, held to Kubernetes' schemas, to each other, to the files
in `rendered`, and to what the programs take and read.

kustomize is the one in kubectl, Helm its own library from PyPI (packaging/setup --checkers). `--write` makes
`rendered` and the copies of the alert rules anew."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
HOME = REPOSITORY / "packaging/kubernetes"
OVERLAYS = ("cilium-bird", "calico", "reference-site", "pod-network")
RULES = REPOSITORY / "packaging/prometheus/podpath.rules.yml"
COLLECTOR = REPOSITORY / ".build/debug/podpath-collector"
OLDEST = (1, 19)
# The Prometheus operator's and cert-manager's, of which the checkers have no schema.
FOREIGN = {"monitoring.coreos.com/v1", "cert-manager.io/v1"}
# What stands apart, for it is not of every version.
SINCE = {"policy/v1": (1, 21)}
# Made by people or by `certificates`, and named so in the README.
SECRETS = {"podpath-agent-ca", "podpath-agent-tls", "podpath-collector-tls", "podpath-collector-secrets"}


def main():
    try:
        import helm_python  # noqa: F401
        import kubernetes_validate  # noqa: F401
        import yaml  # noqa: F401
    except ImportError as error:
        sys.exit(f"{error.name} is missing: packaging/setup --checkers installs it; run with .venv/bin/python")
    rendered = {name: kustomized(HOME / "overlays" / name) for name in OVERLAYS}
    if "--write" in sys.argv[1:]:
        write(rendered)
    extra = kustomized(HOME / "monitoring")
    issued = kustomized(HOME / "cert-manager")
    spared = kustomized(HOME / "disruption")
    problems, done = [], []
    for name, check in checks(rendered, extra, issued, spared).items():
        found = check()
        problems += [f"{name}: {each}" for each in found]
        done.append(f"{'FAILED' if found else 'ok    '} {name}")
    print("\n".join(done + problems))
    sys.exit(1 if problems else 0)


def checks(rendered, extra, issued, spared):
    charts = {name: templated(name) for name in OVERLAYS}
    certified = templated("cilium-bird", {"certManager": {"enabled": True}})
    monitored = templated("pod-network", {"monitoring": {"serviceMonitor": True, "prometheusRule": True}})
    budgeted = templated("cilium-bird", {"collector": {"nodeSelector": {"a": "b"}, "disruptionBudget": True}})
    everything = [*rendered.items(), *((f"chart {name}", objects) for name, objects in charts.items())]
    return {
        "rendered files": lambda: each(rendered, golden),
        "schemas": lambda: schemas([*everything, ("monitoring", extra), ("chart monitoring", monitored),
                                    ("disruption", spared)]),
        "both spare one of two": lambda: same(spared, [x for x in budgeted if x["apiVersion"] in SINCE]),
        "kustomize and chart make the same": lambda: each(rendered, lambda name, objects: same(objects, charts[name])),
        "both monitor in the same way": lambda: same(extra, [x for x in monitored if x["apiVersion"] in FOREIGN]),
        "both have cert-manager make the same": lambda: same(issued, [x for x in certified if x["apiVersion"] in FOREIGN]),
        "cert-manager makes what is mounted": lambda: issuing(issued, rendered["cilium-bird"]),
        "an issuer of the site's own": issuer,
        "what is referred to is there": lambda: each(dict(everything), lambda _, objects: references(objects)),
        "roles are what is read": lambda: each(rendered, roles),
        "the agent knows its options": lambda: each(rendered, options),
        "the collector takes its configuration": lambda: each(rendered, configuration),
        "alert rules": lambda: rules(extra),
        "the chart refuses what it must": refusals,
        "certificates": certificates,
        "another authority, without a gap": rollover,
    }


def each(rendered, check):
    return [f"{name}: {problem}" for name, objects in rendered.items() for problem in check(name, objects)]


# --- what is made

def kustomized(folder):
    import yaml
    done = subprocess.run(["kubectl", "kustomize", folder], text=True, capture_output=True, timeout=60)
    if done.returncode:
        sys.exit(f"kubectl kustomize {folder.relative_to(REPOSITORY)}: {done.stderr.strip()}")
    return normal(yaml.safe_load_all(done.stdout))


def normal(objects):
    """In one order, volumes too, and without the hashes in names: kustomize's versions differ in all of them."""
    text = json.dumps([each for each in objects if each])
    text = re.sub(r'"(podpath-(?:agent|collector))-[a-z0-9]{10}"', r'"\1"', text)
    objects = json.loads(text)
    for one in objects:
        for empty in ("annotations", "labels"):
            if one["metadata"].get(empty) == {}:
                del one["metadata"][empty]
        pod = one.get("spec", {}).get("template", {}).get("spec", {})
        pod.get("volumes", []).sort(key=lambda volume: volume["name"])
        for container in pod.get("containers", []):
            container.get("volumeMounts", []).sort(key=lambda mount: mount["mountPath"])
    # The namespace first: `kubectl apply` takes them as they come.
    return sorted(objects, key=lambda one: (one["kind"] != "Namespace", one["kind"], one["metadata"]["name"]))


def templated(name, more=None):
    """The chart with an overlay's values."""
    import helm_python
    import yaml
    values = yaml.safe_load((HOME / "overlays" / name / "values.yaml").read_text()) | (more or {})
    with helm_python.Chart.load(HOME / "chart") as chart:
        texts = chart.render(values, name="podpath", namespace="podpath")
    return normal([one for text in texts.values() for one in yaml.safe_load_all(text)])


def dumped(objects):
    import yaml

    class Dumper(yaml.SafeDumper):
        """Texts of several lines as they are, and no aliases."""
        def ignore_aliases(self, data):
            return True

    Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None))
    head = "# SPDX-License-Identifier: Apache-2.0\n# Made by Tests/Packaging/kubernetes.py --write\n"
    return head + yaml.dump_all(objects, Dumper=Dumper, explicit_start=True, width=1000)


def write(rendered):
    import yaml
    (HOME / "rendered").mkdir(exist_ok=True)
    for name, objects in rendered.items():
        (HOME / "rendered" / f"{name}.yaml").write_text(dumped(objects))
    labels = {"app.kubernetes.io/name": "podpath", "app.kubernetes.io/component": "collector"}
    rule = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "podpath", "labels": labels}, "spec": yaml.safe_load(RULES.read_text())}
    (HOME / "monitoring/prometheus-rule.yaml").write_text(dumped([rule]))
    # A chart reads no file outside of itself.
    (HOME / "chart/files/podpath.rules.yml").write_text(RULES.read_text())


# --- checks

def golden(name, objects):
    path = HOME / "rendered" / f"{name}.yaml"
    if not path.exists() or path.read_text() != dumped(objects):
        return ["differs from rendered/: look at `Tests/Packaging/kubernetes.py --write; git diff`"]
    return []


def schemas(everything):
    """Strict: a key that a version does not know is a mistake there, and would be dropped in silence."""
    problems, count = [], 0
    # One object once, in however many sites it stands.
    objects = {json.dumps(one, sort_keys=True): (name, one) for name, all_ in everything for one in all_}
    versions = schema_folders()
    newest = max(versions)
    if min(versions) != OLDEST or len(versions) != newest[1] - OLDEST[1] + 1 or newest < (1, 37):
        return [f"schemas of {sorted(versions)}: not every version from 1.19 on"]
    for version, folder in sorted(versions.items()):
        validators = Validators(folder)
        for name, one in objects.values():
            if one["apiVersion"] in FOREIGN or version < SINCE.get(one["apiVersion"], OLDEST):
                continue
            count += 1
            at = f"{name}, {one['kind']}/{one['metadata']['name']}, {version[0]}.{version[1]}"
            problems += [f"{at}: {'.'.join(map(str, error.path))}: {error.message[:200]}"
                         for error in validators.of(one).iter_errors(one)]
    return problems if count > 500 else problems + [f"only {count} objects were looked at"]


def schema_folders():
    """By version. The newest checker has dropped the oldest versions; an older one beside it has them."""
    import kubernetes_validate
    new = pathlib.Path(kubernetes_validate.__file__).parent
    folders = {}
    for home in (REPOSITORY / ".venv/schemas-1.24/kubernetes_validate", new):
        for folder in (home / "kubernetes-json-schema").glob("v*-local-strict"):
            version = tuple(int(part) for part in folder.name[1:].split("-")[0].split("."))[:2]
            if version >= OLDEST:
                folders[version] = folder
    return folders


class Validators:
    """One version's schemas, by kind."""

    def __init__(self, folder):
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT4
        self.folder = folder
        definitions = json.loads((folder / "_definitions.json").read_text())
        self.registry = Registry().with_resource("_definitions.json", Resource.from_contents(definitions, DRAFT4))
        if "$id" in definitions:
            self.registry = Resource.from_contents(definitions) @ self.registry
        self.known = {}

    def of(self, one):
        import jsonschema
        group, _, version = one["apiVersion"].rpartition("/")
        name = "-".join(filter(None, (one["kind"].lower(), group.split(".")[0], version)))
        if name not in self.known:
            schema = json.loads((self.folder / f"{name}.json").read_text())
            kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft4Validator)
            self.known[name] = kind(schema, registry=self.registry)
        return self.known[name]


def same(kustomize, chart):
    """The same objects, but for what each adds for itself: Helm labels and checksums, kustomize the namespace."""
    mine = {(one["kind"], one["metadata"]["name"]): comparable(one) for one in kustomize if one["kind"] != "Namespace"}
    theirs = {(one["kind"], one["metadata"]["name"]): comparable(one) for one in chart}
    problems = [f"{'/'.join(key)} is only in one of them" for key in sorted(mine.keys() ^ theirs.keys())]
    for key in sorted(mine.keys() & theirs.keys()):
        problems += [f"{'/'.join(key)}: {problem}" for problem in differences(mine[key], theirs[key])]
    return problems


HELM = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}


def comparable(one):
    import yaml
    one = json.loads(json.dumps(one))
    labels = {key: value for key, value in one["metadata"].pop("labels", {}).items() if key not in HELM}
    if one["kind"] == "ConfigMap":
        one["data"] = {key: yaml.safe_load(text) for key, text in one["data"].items()}
    elif labels:
        one["metadata"]["labels"] = labels
    pod = one.get("spec", {}).get("template", {})
    annotations = pod.get("metadata", {}).pop("annotations", {})
    if set(annotations) - {"checksum/config"}:
        one["annotations"] = annotations
    if pod:
        rename(pod["spec"])
    return one


def rename(pod):
    """Volumes by what is in them: the chart calls one alike whatever that is, and only the pod knows the names."""
    names = {}
    for volume in pod["volumes"]:
        name = volume.pop("name")
        volume["name"] = names[name] = json.dumps(volume, sort_keys=True)
    pod["volumes"].sort(key=lambda volume: volume["name"])
    for container in pod["containers"]:
        for mount in container["volumeMounts"]:
            mount["name"] = names.get(mount["name"], mount["name"])
        container["volumeMounts"].sort(key=lambda mount: mount["mountPath"])


def differences(mine, theirs, path=""):
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return [problem for key in sorted(mine.keys() | theirs.keys())
                for problem in differences(mine.get(key), theirs.get(key), f"{path}.{key}")]
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return [problem for index, pair in enumerate(zip(mine, theirs))
                for problem in differences(*pair, f"{path}[{index}]")]
    return [] if mine == theirs else [f"{path}: kustomize {str(mine)[:120]}, chart {str(theirs)[:120]}"]


def references(objects):
    """Names that one object uses of another; schemas know nothing of them."""
    there = {(one["kind"], one["metadata"]["name"]) for one in objects}
    problems = []
    for one in objects:
        pod = one.get("spec", {}).get("template", {}).get("spec")
        if not pod:
            continue
        used = {("ServiceAccount", pod["serviceAccountName"])}
        if one["kind"] == "StatefulSet":
            used.add(("Service", one["spec"]["serviceName"]))
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        used |= {("ConfigMap", v["configMap"]["name"]) for v in volumes.values() if "configMap" in v}
        secrets = {v["secret"]["secretName"] for v in volumes.values() if "secret" in v}
        secrets |= {source["secret"]["name"] for source in sources(volumes.values()) if "secret" in source}
        volumes |= {claim["metadata"]["name"]: claim for claim in one["spec"].get("volumeClaimTemplates", [])}
        for container in pod["containers"]:
            used |= {("ConfigMap", source["configMapRef"]["name"]) for source in container.get("envFrom", [])}
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            problems += [f"{one['kind']}: volume {name}" for name in sorted(mounted ^ volumes.keys())]
        problems += [f"{one['kind']} uses {kind}/{name}" for kind, name in sorted(used - there)]
        problems += [f"{one['kind']} uses Secret/{name}" for name in sorted(secrets - SECRETS)]
        problems += [] if labelled(one["spec"]) else [f"{one['kind']}'s selector does not select its pods"]
    return problems


def sources(volumes):
    return [source for volume in volumes for source in volume.get("projected", {}).get("sources", [])]


def labelled(spec):
    return spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


# Beside what is listed and watched: by the role's kind and name, what may be done with what.
ASKED = {("ClusterRole", "podpath-collector"): {("authentication.k8s.io", "tokenreviews", "create")},
         ("Role", "podpath-collector-agents"): {("", "pods", "get")},
         ("Role", "podpath-collector-lease"): {("coordination.k8s.io", "leases", verb)
                                               for verb in ("create", "get", "update")}}


def roles(_, objects):
    """The collector may list and watch what its source asks for, and have tokens reviewed; nobody else may anything."""
    text = "".join(path.read_text() for path in (REPOSITORY / "Collector/Sources/Kubernetes").rglob("*.swift"))
    paths = [path for block in re.findall(r"static let paths = \[(.*?)\]", text, re.S)
             for path in re.findall(r'"(/[^"]+)"', block)]
    read = {("", path.split("/")[3]) if path.startswith("/api/") else (path.split("/")[2], path.split("/")[4])
            for path in paths}
    bindings = [one for one in objects if one["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    subjects = {subject["name"] for one in bindings for subject in one["subjects"]}
    may = {(one["kind"], one["metadata"]["name"]): rights(one) for one in objects if one["kind"] in ("Role", "ClusterRole")}
    if len(paths) < 10 or subjects != {"podpath-collector"} or may.keys() < ASKED.keys():
        return [f"{len(paths)} paths in the source, roles {sorted(may)}, bound to {sorted(subjects)}"]
    wanted = ASKED | {("ClusterRole", "podpath-collector"): ASKED["ClusterRole", "podpath-collector"] | {
        (*pair, verb) for pair in read for verb in ("list", "watch")}}
    return [f"{'granted' if right in may[role] else 'needed'} alone: {role[1]} {'/'.join(right)}"
            for role in wanted for right in sorted(may[role] ^ wanted[role])]


def rights(role):
    return {(group, resource, verb) for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}


def issuing(issued, objects):
    """Its Secrets are those that are mounted; and the agents' has no name of a node in its certificate."""
    made = {one["spec"]["secretName"]: one["spec"] for one in issued if one["kind"] == "Certificate"}
    pods = [one["spec"]["template"]["spec"] for one in objects if one["kind"] in ("DaemonSet", "StatefulSet")]
    volumes = [volume for pod in pods for volume in pod["volumes"]]
    mounted = {source["secret"]["name"] for source in sources(volumes) if "secret" in source} | {
        volume["secret"]["secretName"] for volume in volumes if "secret" in volume and not volume["secret"].get("optional")}
    problems = [f"{name} is mounted and not made" for name in sorted(mounted - made.keys())]
    agent = next((pod for pod in pods if pod["serviceAccountName"] == "podpath-agent"))
    keys = [item["key"] for source in sources(agent["volumes"]) if "secret" in source for item in source["secret"]["items"]]
    return problems + ([] if keys == ["ca.crt"] else [f"the agents' pods have {keys}"]) + (
        [] if "server auth" not in made["podpath-agent-ca"]["usages"] else ["the agents' certificate may serve"])


def issuer():
    """An issuer of the site's own takes the place of ours; addresses are addresses."""
    values = {"certManager": {"enabled": True, "issuer": {"name": "vault", "kind": "ClusterIssuer"}}}
    made = [one for one in templated("reference-site", values) if one["apiVersion"].startswith("cert-manager")]
    found = [(one["kind"], one["metadata"]["name"]) for one in made]
    if found != [("Certificate", "podpath-agent-ca"), ("Certificate", "podpath-collector")]:
        return [f"makes {found}"]
    problems = [f"{one['metadata']['name']}: {one['spec']['issuerRef']}" for one in made
                if one["spec"]["issuerRef"] != {"name": "vault", "kind": "ClusterIssuer", "group": "cert-manager.io"}]
    names = {key: made[1]["spec"].get(key) for key in ("dnsNames", "ipAddresses")}
    return problems + ([] if names == {"dnsNames": None, "ipAddresses": ["10.1.0.100", "10.1.0.101"]} else [f"names {names}"])


def options(_, objects):
    """What is given to the agent stands in its help."""
    source = (REPOSITORY / "Agent/Main/AgentOptions.swift").read_text()
    text = source[source.index("static let help"):]
    agent = next(one for one in objects if one["kind"] == "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    config = named("ConfigMap", "podpath-agent", objects)
    given = [each["name"] for each in agent["env"]] + list(config["data"])
    words = given + [argument.split("=")[0] for argument in agent["args"]]
    problems = [f"{word} is not in the agent's help" for word in words
                if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    mounted = {mount["mountPath"] for mount in agent["volumeMounts"]}
    files = [argument.split("=")[1] for argument in agent["args"] if "=/" in argument] + config["data"]["PODPATH_BIRD_SOCKETS"].split(",")
    return problems + [f"{file} is in no volume" for file in files if str(pathlib.Path(file).parent) not in mounted]


def named(kind, name, objects):
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def configuration(_, objects):
    """A test message to its own standard output needs the whole file read, and no source."""
    import yaml
    if not COLLECTOR.exists():
        return [f"{COLLECTOR.relative_to(REPOSITORY)} is missing: swift build"]
    config = named("ConfigMap", "podpath-collector", objects)
    pod = next(one for one in objects if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    mounted = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    text = config["data"]["podpath.yml"]
    parsed = yaml.safe_load(text)
    port = parsed["http"]["listen"].split(":")[1], parsed["agents"]["listen"].split(":")[1]
    declared = {str(each["containerPort"]) for each in pod["containers"][0]["ports"]}
    problems = [] if declared == set(port) else [f"ports {sorted(declared)} are declared, {port} are used"]
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(set(re.findall(r"/(?:run|var/lib)/podpath/[\w./-]+", text))):
            if not any(file.startswith(place + "/") for place in mounted):
                problems.append(f"{file} is in no volume")
            path = pathlib.Path(folder + file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.startswith("/run/"):
                path.write_text("example")
        # No pod, so no API server to find: one is named that nobody asks.
        text = re.sub(r"/(run|var/lib)/podpath/", rf"{folder}/\1/podpath/", text)
        text = text.rstrip() + f"\nkubernetes: {{ kubeconfig: {folder}/kubeconfig }}\n"
        pathlib.Path(folder, "kubeconfig").write_text(json.dumps({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}]}))
        path = pathlib.Path(folder, "podpath.yml")
        path.write_text(text)
        done = subprocess.run([COLLECTOR, "notify-test", "out", "--config", path], text=True, capture_output=True,
                              timeout=60)
    if done.returncode:
        problems.append(f"exit {done.returncode}: {(done.stdout + done.stderr)[-300:].strip()}")
    return problems


def rules(extra):
    import yaml
    rule = next(one for one in extra if one["kind"] == "PrometheusRule")
    problems = []
    if rule["spec"] != yaml.safe_load(RULES.read_text()):
        problems.append("monitoring has others than packaging/prometheus")
    if (HOME / "chart/files/podpath.rules.yml").read_text() != RULES.read_text():
        problems.append("the chart has others than packaging/prometheus")
    return problems


def refusals():
    """What cannot work is refused by the schema of the values; and lint has nothing to say."""
    import helm_python
    import yaml
    good = yaml.safe_load((HOME / "overlays/cilium-bird/values.yaml").read_text())
    bad = {"nothing given": {}, "no collectors": good | {"agent": {"socketGroup": 1}},
           "no group": good | {"agent": {"collectors": ["c:10443"]}}, "no pod CIDRs": good | {"podCIDRs": []},
           "no node": good | {"collector": {}}, "an unknown key": good | {"colector": {}}}
    problems = []
    with helm_python.Chart.load(HOME / "chart") as chart:
        for what, values in bad.items():
            try:
                chart.render(values, name="podpath", namespace="podpath")
                problems.append(f"{what}: taken")
            except helm_python.HelmError as error:
                # A chart that is broken altogether would refuse too.
                if "schema" not in str(error):
                    problems.append(f"{what}: {str(error)[:200]}")
    report = helm_python.lint(HOME / "chart", good, strict=True)
    # An icon is for galleries.
    return problems + [f"lint: {each['error']}" for each in report["messages"] if "icon" not in each["error"]]


def certificates():
    """Each way prints the Secrets and writes the files that it says; each certificate is its authority's, and names
    whom it must. Both places of the script do the same."""
    nodes = "node/n1\nnode/n2.example.net\n"
    ways = [(SCRIPTS[0], [], nodes, {"podpath-collector-tls", "podpath-agent-tls"}),
            (SCRIPTS[1], ["--each"], nodes, {"podpath-collector-tls"}),
            (SCRIPTS[1], ["--tokens"], "", {"podpath-collector-tls", "podpath-agent-ca"}),
            (SCRIPTS[1], ["--host", "h1"], "", set())]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for script, words, given, secrets in ways:
            done = certify(script, *words, "10.1.0.100,c.example.net", folder, given=given)
            problems += printed(done, folder, secrets)
        names = ["IP Address:10.1.0.100", "DNS:c.example.net"]
        expected = {"secret/podpath-collector-tls": ("sslserver", names),
                    "secret/podpath-agent-tls": ("sslclient", ["DNS:n1", "DNS:n2.example.net"]),
                    "collector": ("sslserver", names), "nodes/n1": ("sslclient", ["DNS:n1"]),
                    "nodes/n2.example.net": ("sslclient", ["DNS:n2.example.net"]), "nodes/h1": ("sslclient", ["DNS:h1"])}
        for place, (purpose, names) in expected.items():
            problems += [f"{place}: {problem}" for problem in certificate(pathlib.Path(folder, place), purpose, names)]
        problems += [f"{path} may be read by others" for path in pathlib.Path(folder).rglob("*")
                     if "secret" not in path.parts and path.stat().st_mode & 0o077]
        if [each.name for each in pathlib.Path(folder, "secret/podpath-agent-ca").iterdir()] != ["ca.crt"]:
            problems.append("agents with tokens get more than the authority")
        for words, given in ((["c", folder], "node/n1,IP:10.0.0.1\n"), (["--host", "H/1", "c", folder], ""),
                             (["--tokens", "c,", folder], ""), (["--what", "c"], ""), ([], "")):
            if certify(SCRIPTS[1], *words, given=given).returncode != 2:
                problems.append(f"taken: {words} {given}")
    return problems


SCRIPTS = HOME / "certificates", REPOSITORY / "packaging/certificates"


def certify(script, *words, given=""):
    return subprocess.run([script, *words], text=True, capture_output=True, timeout=60, input=given)


def printed(done, folder, secrets):
    import base64
    import yaml
    documents = [] if not secrets else list(yaml.safe_load_all(done.stdout))
    made = {one["metadata"]["name"]: one for one in documents if one["kind"] == "Secret"}
    if done.returncode or set(made) != secrets:
        return [f"exit {done.returncode}, {sorted(made)}: {done.stderr[-300:]}"]
    for name, one in made.items():
        for key, text in one["data"].items():
            file = pathlib.Path(folder, "secret", name, key)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(base64.b64decode(text))
    return [] if secrets or not any(word in done.stdout for word in ("BEGIN", "data:")) else ["secrets are printed for a host"]


def rollover():
    """At each step those who have made it and those who have not accept each other."""
    import shutil
    problems, states = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder, "work")
        for step in range(4):
            done = certify(SCRIPTS[1], "--host", "h1", *(["--roll"] if step else []), "c", work)
            if done.returncode:
                return [f"step {step}: {done.stderr[-300:]}"]
            states.append(pathlib.Path(folder, f"step-{step}"))
            shutil.copytree(work, states[-1])
        for one, other in [(x, y) for x in range(4) for y in range(4)]:
            agrees = all(subprocess.run(["openssl", "verify", "-CAfile", states[one] / here / "ca.crt", states[other] / there / "tls.crt"],
                                        capture_output=True, timeout=30).returncode == 0
                         for here, there in (("nodes/h1", "collector"), ("collector", "nodes/h1")))
            # The one before the last step is behind by one; who is behind by two was told to wait.
            if abs(one - other) <= 1 and not agrees:
                problems.append(f"step {one} does not accept what step {other} made")
            if (one, other) in ((3, 0), (3, 1), (0, 2)) and agrees:
                problems.append(f"step {one} still accepts what step {other} made")
        authorities = [(state / "nodes/h1/ca.crt").read_text().count("BEGIN") for state in states]
    return problems + ([] if authorities == [1, 2, 2, 1] else [f"authorities in each step: {authorities}"])


def certificate(folder, purpose, names):
    def openssl(*words):
        return subprocess.run(["openssl", *words], text=True, capture_output=True, timeout=30, cwd=folder)

    verified = openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.crt", "tls.crt")
    shown = openssl("x509", "-in", "tls.crt", "-noout", "-ext", "subjectAltName").stdout.split("\n")[1]
    keys = {openssl("x509", "-in", "tls.crt", "-noout", "-pubkey").stdout,
            openssl("pkey", "-in", "tls.key", "-pubout").stdout}
    return [problem for problem, isSo in (
        (f"not verified: {verified.stderr[-200:]}", verified.returncode != 0),
        (f"names {shown}", [name.strip() for name in shown.split(",")] != names),
        ("the key is another's", len(keys) != 1)) if isSo]


if __name__ == "__main__":
    main()
