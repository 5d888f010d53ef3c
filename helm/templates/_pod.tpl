{{/* What the gateway's and the jobs' pods share. */}}

{{- define "passerelle.labels" -}}
app.kubernetes.io/name: passerelle
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "passerelle.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "passerelle.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $keys := .Values.secrets.keys -}}
{{- $_ := set $settings "listen" (printf "0.0.0.0:%d" (int .Values.service.port)) -}}
{{- $_ := set $settings "workers" (int .Values.gateway.workers) -}}
{{- $_ := set $settings "idp_config" "/etc/passerelle/idp_config" -}}
{{- $_ := set $settings "clients" "/etc/passerelle/clients" -}}
{{- $_ := set $settings "data" "/var/lib/passerelle" -}}
{{- $_ := set $settings "kek_file" "/run/passerelle/kek.key" -}}
{{- if $keys.databasePassword }}{{ $_ := set $settings.database "password_file" "/run/passerelle/database-password" }}{{ end -}}
{{- if $keys.ephemeralPassword }}{{ $_ := set $settings.ephemeral "password_file" "/run/passerelle/ephemeral-password" }}{{ end -}}
{{- if and $keys.smtpPassword $settings.smtp.username }}{{ $_ := set $settings.smtp "password_file" "/run/passerelle/smtp-password" }}{{ end -}}
{{- if $keys.pscClientSecret }}{{ $_ := set $settings "psc" (merge (dict "client_secret_file" "/run/passerelle/psc-client-secret") (default (dict) (get $settings "psc"))) }}{{ end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "passerelle.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: settings
    configMap: {name: {{ .Release.Name }}-settings}
  - name: idp-config
    configMap: {name: {{ .Values.idpConfig.configMap }}}
  - name: clients
    configMap: {name: {{ .Values.idpConfig.clientsConfigMap }}}
  - name: secrets
    secret:
      secretName: {{ .Values.secrets.name }}
      defaultMode: 0400
      items:
        - {key: {{ .Values.secrets.keys.kek }}, path: kek.key}
        {{- with .Values.secrets.keys.databasePassword }}
        - {key: {{ . }}, path: database-password}
        {{- end }}
        {{- with .Values.secrets.keys.ephemeralPassword }}
        - {key: {{ . }}, path: ephemeral-password}
        {{- end }}
        {{- with .Values.secrets.keys.smtpPassword }}
        - {key: {{ . }}, path: smtp-password}
        {{- end }}
        {{- with .Values.secrets.keys.pscClientSecret }}
        - {key: {{ . }}, path: psc-client-secret}
        {{- end }}
  - name: data
    emptyDir: {}
  {{- with .Values.trustedCa.configMap }}
  - name: trusted-ca
    configMap: {name: {{ . }}}
  {{- end }}
{{- end -}}

{{- define "passerelle.container" -}}
image: {{ include "passerelle.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- if .Values.trustedCa.configMap }}
env:
  - {name: SSL_CERT_FILE, value: /etc/passerelle/trusted-ca/ca.crt}
  - {name: REQUESTS_CA_BUNDLE, value: /etc/passerelle/trusted-ca/ca.crt}
  - {name: PGSSLROOTCERT, value: /etc/passerelle/trusted-ca/ca.crt}
{{- end }}
volumeMounts:
  - {name: settings, mountPath: /etc/passerelle/passerelle.yaml, subPath: passerelle.yaml, readOnly: true}
  - {name: idp-config, mountPath: /etc/passerelle/idp_config, readOnly: true}
  - {name: clients, mountPath: /etc/passerelle/clients, readOnly: true}
  - {name: secrets, mountPath: /run/passerelle, readOnly: true}
  - {name: data, mountPath: /var/lib/passerelle}
  {{- if .Values.trustedCa.configMap }}
  - {name: trusted-ca, mountPath: /etc/passerelle/trusted-ca, readOnly: true}
  {{- end }}
{{- end -}}
