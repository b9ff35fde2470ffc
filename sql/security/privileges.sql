-- Nothing is for everybody.  The last module: it must see all objects.

REVOKE ALL ON SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA devapp FROM PUBLIC;
REVOKE ALL ON TYPE devapp.resource_pattern, devapp.secret_digest, devapp.verdict_code, devapp.verdict,
                   devapp.issued_credential, devapp.approval_decision, devapp.key_parts FROM PUBLIC;
