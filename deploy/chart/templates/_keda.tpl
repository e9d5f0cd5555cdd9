{{- define "lensfeed.scaledObject" }}
{{- $keda := .root.Values.keda }}
{{- $name := .name }}
{{- $root := .root }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  labels: {{- include "lensfeed.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ .root.Release.Name }}-{{ .name }}}
  minReplicaCount: {{ .conf.replicas }}
  maxReplicaCount: {{ $keda.maxReplicas }}
  pollingInterval: 15
  cooldownPeriod: 300
  triggers:
    {{- range .part.streams }}
    - type: {{ ternary "redis-cluster-streams" "redis-streams" $keda.cluster }}
      metadata:
        {{ ternary "addresses" "address" $keda.cluster }}: {{ $keda.address | quote }}
        stream: {{ .stream | quote }}
        consumerGroup: {{ .group }}
        lagCount: {{ $keda.lagCount | quote }}
        enableTLS: {{ $keda.tls | quote }}
      {{- if $keda.passwordSecret.name }}
      authenticationRef: {name: {{ $root.Release.Name }}-streams}
      {{- end }}
    {{- end }}
    # Rendering takes CPU while no event waits: photos and videos have queues of their own.
    - type: cpu
      metricType: Utilization
      metadata: {value: {{ .conf.autoscaling.cpuPercent | quote }}}
{{- end }}
