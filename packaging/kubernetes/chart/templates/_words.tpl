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
{{- toYaml (merge (dict "pod-cidrs" .Values.podCIDRs) .Values.collector.config) }}
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
