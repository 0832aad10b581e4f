{{/* What every object of a release is called, and how it is found. */}}
{{- define "greffier.selector" -}}
app.kubernetes.io/name: greffier
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "greffier.labels" -}}
{{ include "greffier.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "greffier.claim" -}}
{{ .Values.persistence.existingClaim | default .Release.Name }}
{{- end -}}
