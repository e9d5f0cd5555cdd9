{{- define "lensfeed.labels" -}}
app.kubernetes.io/name: lensfeed
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "lensfeed.selector" -}}
app.kubernetes.io/name: lensfeed
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "lensfeed.image" -}}
{{ .root.Values.image.registry }}/lensfeed-{{ .part.role }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "lensfeed.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "lensfeed.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "lensfeed.setting" -}}
- {name: LENSFEED_{{ index . 0 }}, value: {{ index . 1 | toString | quote }}}
{{- end }}

{{- define "lensfeed.secret" -}}
- name: LENSFEED_{{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ (index . 1).name }}, key: {{ (index . 1).key }}}}
{{- end }}

{{- define "lensfeed.storeEnv" -}}
{{- $c := .Values.cassandra -}}
{{ include "lensfeed.setting" (list "STORE" "cassandra") }}
{{ include "lensfeed.setting" (list "CASSANDRA_CONTACT_POINTS" $c.contactPoints) }}
{{ include "lensfeed.setting" (list "CASSANDRA_LOCAL_DC" $c.localDc) }}
{{ include "lensfeed.setting" (list "CASSANDRA_REPLICATION" $c.replication) }}
{{ include "lensfeed.setting" (list "CASSANDRA_KEYSPACE_PREFIX" $c.keyspacePrefix) }}
{{ include "lensfeed.secret" (list "CASSANDRA_USERNAME" .Values.secrets.cassandraUsername) }}
{{ include "lensfeed.secret" (list "CASSANDRA_PASSWORD" .Values.secrets.cassandraPassword) }}
{{- if $c.tls.secretName }}
{{ include "lensfeed.setting" (list "CASSANDRA_TLS_CA_FILE" "/etc/lensfeed/cassandra/ca.crt") }}
{{- if $c.tls.mutual }}
{{ include "lensfeed.setting" (list "CASSANDRA_TLS_CERT_FILE" "/etc/lensfeed/cassandra/tls.crt") }}
{{ include "lensfeed.setting" (list "CASSANDRA_TLS_KEY_FILE" "/etc/lensfeed/cassandra/tls.key") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lensfeed.s3Env" -}}
{{ include "lensfeed.setting" (list "S3_ENDPOINT_URL" .Values.s3.endpointUrl) }}
{{ include "lensfeed.setting" (list "S3_REGION" .Values.s3.region) }}
{{ include "lensfeed.setting" (list "S3_BUCKET" .Values.s3.bucket) }}
{{- end }}

{{- define "lensfeed.s3Keys" -}}
{{- if .Values.s3.publicUrl }}
{{ include "lensfeed.setting" (list "S3_PUBLIC_URL" .Values.s3.publicUrl) }}
{{- end }}
{{ include "lensfeed.secret" (list "S3_ACCESS_KEY" .Values.secrets.s3AccessKey) }}
{{ include "lensfeed.secret" (list "S3_SECRET_KEY" .Values.secrets.s3SecretKey) }}
{{- end }}

{{- define "lensfeed.edgeEnv" -}}
{{- $v := .root.Values -}}
{{ include "lensfeed.setting" (list "EDGE_ADDR" "0.0.0.0:8080") }}
{{ include "lensfeed.setting" (list "EDGE_HEALTH_ADDR" "0.0.0.0:8081") }}
{{ include "lensfeed.setting" (list "EDGE_DIR" "/tmp/edge") }}
{{ include "lensfeed.setting" (list "EDGE_LEAVE_SECONDS" $v.edge.leaveSeconds) }}
{{ include "lensfeed.setting" (list "EDGE_DRAIN_SECONDS" $v.edge.drainSeconds) }}
{{ include "lensfeed.setting" (list "EDGE_TRUSTED_HOPS" $v.edge.trustedHops) }}
{{ include "lensfeed.setting" (list "EDGE_DOCS" $v.edge.docs) }}
{{ include "lensfeed.setting" (list "CORS_ORIGINS" $v.edge.corsOrigins) }}
{{ include "lensfeed.setting" (list "TOKEN_JWKS_FILE" (printf "/etc/lensfeed/token/%s" $v.secrets.tokenJwks.key)) }}
{{ include "lensfeed.s3Env" .root }}
{{ include "lensfeed.secret" (list "EDGE_S3_ACCESS_KEY" $v.secrets.edgeS3AccessKey) }}
{{ include "lensfeed.secret" (list "EDGE_S3_SECRET_KEY" $v.secrets.edgeS3SecretKey) }}
{{- if $v.edge.tls.secretName }}
{{ include "lensfeed.setting" (list "EDGE_TLS_CERT_FILE" "/etc/lensfeed/tls/tls.crt") }}
{{ include "lensfeed.setting" (list "EDGE_TLS_KEY_FILE" "/etc/lensfeed/tls/tls.key") }}
{{- end }}
{{- if $v.limits.enabled }}
{{ include "lensfeed.setting" (list "LIMITS_ADDR" (printf "%s-limits:50056" .root.Release.Name)) }}
{{- end }}
{{- end }}

{{- define "lensfeed.serviceEnv" -}}
{{- $v := .root.Values -}}
{{ include "lensfeed.setting" (list "LISTEN_ADDR" (printf "0.0.0.0:%v" .part.port)) }}
{{ include "lensfeed.setting" (list "LOG_FORMAT" "json") }}
{{- if eq .name "limits" }}
{{ include "lensfeed.secret" (list "REDIS_URL" $v.secrets.limitsRedisUrl) }}
{{- else }}
{{ include "lensfeed.secret" (list "REDIS_URL" $v.secrets.redisUrl) }}
{{ include "lensfeed.setting" (list "DRAIN_SECONDS" .conf.drainSeconds) }}
{{- if $v.metricsPort }}
{{ include "lensfeed.setting" (list "METRICS_ADDR" (printf "0.0.0.0:%v" $v.metricsPort)) }}
{{- end }}
{{- end }}
{{- if not $v.mtls.enabled }}
{{ include "lensfeed.setting" (list "ALLOW_PLAINTEXT" "true") }}
{{- end }}
{{- if .part.store }}
{{ include "lensfeed.storeEnv" .root }}
{{- end }}
{{- if .part.cursors }}
{{ include "lensfeed.secret" (list "CURSOR_KEYS" $v.secrets.cursorKeys) }}
{{- end }}
{{- if .part.mediaUrl }}
{{ include "lensfeed.setting" (list "MEDIA_BASE_URL" $v.mediaBaseUrl) }}
{{- end }}
{{- if .part.tokenKey }}
{{ include "lensfeed.setting" (list "TOKEN_KEY_FILE" (printf "/etc/lensfeed/token/%s" $v.secrets.tokenKey.key)) }}
{{- end }}
{{- if .part.s3 }}
{{ include "lensfeed.s3Env" .root }}
{{- include "lensfeed.s3Keys" .root }}
{{- if $v.cdn.purgeUrl }}
{{ include "lensfeed.setting" (list "CDN_PURGE_URL" $v.cdn.purgeUrl) }}
{{ include "lensfeed.secret" (list "CDN_PURGE_TOKEN" $v.secrets.cdnPurgeToken) }}
{{- end }}
{{- end }}
{{- if eq .name "media" }}
{{- if $v.s3.sqsUrl }}
{{ include "lensfeed.setting" (list "MEDIA_SQS_URL" $v.s3.sqsUrl) }}
{{- end }}
{{- if $v.s3.webhookPort }}
{{ include "lensfeed.setting" (list "WEBHOOK_ADDR" (printf "0.0.0.0:%v" $v.s3.webhookPort)) }}
{{ include "lensfeed.secret" (list "WEBHOOK_SECRET" $v.secrets.webhookSecret) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lensfeed.env" -}}
{{- $root := .root -}}
{{- if .part.edge }}
{{- include "lensfeed.edgeEnv" . }}
{{- else }}
{{- include "lensfeed.serviceEnv" . }}
{{- end }}
{{ include "lensfeed.setting" (list "LOG_LEVEL" $root.Values.logLevel) }}
{{- $parts := .parts }}
{{- range .part.calls }}
{{ include "lensfeed.setting" (list (printf "%s_ADDR" (upper .)) (printf "dns:///%s-%s:%v" $root.Release.Name . (index $parts .).port)) }}
{{- end }}
{{- if $root.Values.mtls.enabled }}
{{ include "lensfeed.setting" (list "MESH_TLS" "/etc/lensfeed/mesh") }}
{{- end }}
{{- range $key, $value := .conf.settings }}
{{ include "lensfeed.setting" (list $key $value) }}
{{- end }}
{{- if $root.Values.otlpEndpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ $root.Values.otlpEndpoint | quote }}}
{{- end }}
{{- end }}

{{/* How kubelet asks a service: by gRPC, or with mTLS by a program that has the part's certificate. */}}
{{- define "lensfeed.ask" -}}
{{- if .root.Values.mtls.enabled }}
exec: {command: ["python", "-m", "meshkit.probe", {{ .part.role | quote }}, {{ .question | quote }}]}
timeoutSeconds: 5
{{- else if eq .question "ready" }}
grpc: {port: {{ .part.port }}}
timeoutSeconds: 3
{{- else }}
tcpSocket: {port: {{ .part.port }}}
timeoutSeconds: 3
{{- end }}
{{- end }}

{{- define "lensfeed.probes" -}}
{{- if .part.edge }}
# /healthz also tells of services. An edge that left for a service's failure would take the other services along.
startupProbe: {tcpSocket: {port: 8081}, periodSeconds: 2, failureThreshold: 60}
readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 5, failureThreshold: 2}
livenessProbe: {tcpSocket: {port: 8081}, periodSeconds: 10, failureThreshold: 6}
{{- else }}
startupProbe:
  {{- include "lensfeed.ask" (merge (dict "question" "alive") .) | nindent 2 }}
  periodSeconds: 3
  failureThreshold: 60
readinessProbe:
  {{- include "lensfeed.ask" (merge (dict "question" "ready") .) | nindent 2 }}
  periodSeconds: 10
  failureThreshold: 2
livenessProbe:
  {{- include "lensfeed.ask" (merge (dict "question" "alive") .) | nindent 2 }}
  periodSeconds: 20
  failureThreshold: 6
{{- end }}
{{- end }}

{{- define "lensfeed.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if and .root.Values.mtls.enabled (not .job) }}
- {name: mesh-tls, mountPath: /etc/lensfeed/mesh/{{ .part.role }}, readOnly: true}
{{- end }}
{{- if and (or .part.tokenKey .part.edge) (not .job) }}
- {name: token, mountPath: /etc/lensfeed/token, readOnly: true}
{{- end }}
{{- if and .part.store .root.Values.cassandra.tls.secretName }}
- {name: cassandra-tls, mountPath: /etc/lensfeed/cassandra, readOnly: true}
{{- end }}
{{- if and .part.edge .root.Values.edge.tls.secretName }}
- {name: edge-tls, mountPath: /etc/lensfeed/tls, readOnly: true}
{{- end }}
{{- end }}

{{- define "lensfeed.volumes" -}}
{{- $s := .root.Values.secrets -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .conf.tmpSize }}}
{{- if and .root.Values.mtls.enabled (not .job) }}
- name: mesh-tls
  secret: {secretName: {{ .root.Release.Name }}-mesh-{{ .part.role }}, defaultMode: 0440}
{{- end }}
{{- if and (or .part.tokenKey .part.edge) (not .job) }}
{{- $token := ternary $s.tokenKey $s.tokenJwks (hasKey .part "tokenKey") }}
- name: token
  secret: {secretName: {{ $token.name }}, defaultMode: 0440, items: [{key: {{ $token.key }}, path: {{ $token.key }}}]}
{{- end }}
{{- if and .part.store .root.Values.cassandra.tls.secretName }}
- name: cassandra-tls
  secret: {secretName: {{ .root.Values.cassandra.tls.secretName }}, defaultMode: 0440}
{{- end }}
{{- if and .part.edge .root.Values.edge.tls.secretName }}
- name: edge-tls
  secret: {secretName: {{ .root.Values.edge.tls.secretName }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{/* How long a pod may take to end: its sleep, its drain, and time for its last loops. */}}
{{- define "lensfeed.grace" -}}
{{- if .part.edge }}
{{- add .conf.preStopSeconds .root.Values.edge.leaveSeconds .root.Values.edge.drainSeconds 10 }}
{{- else }}
{{- add .conf.preStopSeconds .conf.drainSeconds 10 }}
{{- end }}
{{- end }}

{{- define "lensfeed.isOn" -}}
{{- if or (ne .name "limits") .root.Values.limits.enabled }}on{{ end }}
{{- end }}

{{- define "lensfeed.usesKeda" -}}
{{- if and .root.Values.keda.enabled .part.streams }}on{{ end }}
{{- end }}
