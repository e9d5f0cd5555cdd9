{{/* The pod of a command that ends: `python -m …`, with the store's settings. */}}
{{- define "lensfeed.jobPod" -}}
metadata:
  labels: {{- include "lensfeed.labels" . | nindent 4 }}
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- include "lensfeed.podSecurity" . | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "lensfeed.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: [python, -m, {{ join ", " .part.command }}]
      env:
        {{- if .part.store }}
        {{- include "lensfeed.storeEnv" .root | nindent 8 }}
        {{- end }}
        {{- include "lensfeed.setting" (list "LOG_FORMAT" "json") | nindent 8 }}
        {{- if .part.s3 }}
        {{- include "lensfeed.s3Env" .root | nindent 8 }}
        {{- include "lensfeed.s3Keys" .root | nindent 8 }}
        {{- end }}
      resources: {{- toYaml .conf.resources | nindent 8 }}
      securityContext: {{- include "lensfeed.containerSecurity" . | nindent 8 }}
      volumeMounts: {{- include "lensfeed.mounts" . | nindent 8 }}
  volumes: {{- include "lensfeed.volumes" . | nindent 4 }}
{{- end }}
