{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* One podpath a namespace: names are fixed, and the same as in the kustomize base. */}}
{{- define "podpath.labels" -}}
app.kubernetes.io/name: podpath
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "podpath.selector" -}}
app.kubernetes.io/name: podpath
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "podpath.image" -}}
{{- with .root.Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}{{ .name -}}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "podpath.config" -}}
{{- $identity := dict "client-ca" "/run/podpath/tls/ca.crt" }}
{{- if eq .Values.agent.identity "token" }}
{{- $_ := set $identity "tokens" (dict "audience" .Values.agent.audience "service-account" (printf "%s/podpath-agent" .Release.Namespace)) }}
{{- end }}
{{- toYaml (merge (dict "pod-cidrs" .Values.podCIDRs) (deepCopy .Values.collector.config) (dict "agents" $identity)) }}
{{- end }}

{{- define "podpath.pullSecrets" -}}
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}

{{- define "podpath.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What agents connect to, as a certificate has it. */}}
{{- define "podpath.names" -}}
{{- $names := list }}{{ $addresses := list }}
{{- range .Values.agent.collectors }}
{{- $host := regexReplaceAll ":[0-9]+$" . "" | trimPrefix "[" | trimSuffix "]" }}
{{- if regexMatch "^[0-9.]+$|:" $host }}{{ $addresses = append $addresses $host }}{{ else }}{{ $names = append $names $host }}{{ end }}
{{- end }}
{{- with uniq $names }}
dnsNames: {{ toJson . }}
{{- end }}
{{- with uniq $addresses }}
ipAddresses: {{ toJson . }}
{{- end }}
{{- end }}
