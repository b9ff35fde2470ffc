/*
 * guc.h
 *		The settings of devapp.
 */
#ifndef DEVAPP_GUC_H
#define DEVAPP_GUC_H

typedef enum ApprovalMode
{
	APPROVAL_AUTO,
	APPROVAL_MANUAL,
	APPROVAL_CONDITIONAL
} ApprovalMode;

#define MINUTES_PER_DAY	1440

extern char *devapp_audit_key_file;
extern char *devapp_audit_origin;
extern char *devapp_key_prefix;
extern char *devapp_pepper_file;
extern char *devapp_actor;
extern char *devapp_claims_from;
extern int	devapp_app_approval;
extern int	devapp_cache_size;		/* kB */
extern bool devapp_notify;
extern int	devapp_notification_max_attempts;
extern int	devapp_rotation_max_age;	/* days */
extern int	devapp_seal_interval;	/* minutes; 0: never */
extern bool devapp_restoring;
extern bool devapp_metering;
extern int	devapp_meter_size;		/* kB */
extern int	devapp_quota_size;		/* kB */
extern int	devapp_flush_interval;	/* s; 0: never */
extern char *devapp_primary_conninfo;	/* may hold a password */
extern int	devapp_refresh_interval;	/* s; 0: never */
extern int	devapp_retention_minute;	/* of each, in minutes; 0: for ever */
extern int	devapp_retention_hour;
extern int	devapp_retention_day;

extern void devapp_define_gucs(void);

#endif							/* DEVAPP_GUC_H */
