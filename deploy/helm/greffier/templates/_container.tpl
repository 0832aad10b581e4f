{{/* What the server and the pulling of its models have in common. */}}
{{- define "greffier.container" -}}
{{- $values := .root.Values -}}
image: {{ .image | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
env:
  - {name: GREFFIER_CONFIG, value: /etc/greffier/greffier.toml}
  {{- with $values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.secret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: library, mountPath: /var/lib/greffier}
  - {name: scratch, mountPath: /tmp}
  - {name: config, mountPath: /etc/greffier, readOnly: true}
  {{- with $values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
