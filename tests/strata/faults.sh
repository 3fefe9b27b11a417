#!/bin/sh
# Is every call that Strata makes of libpq and sqlite3 failed by the fault layer, or one that cannot fail?
#     faults.sh ARCHIVE CALL...     the calls that are failed
archive=$1
shift

# These look at something, free something, or set what cannot be refused.
cannot_fail='PQbackendPID PQbinaryTuples PQclear PQcmdStatus PQcmdTuples PQconninfoFree PQerrorMessage PQfformat PQfinish
PQfmod PQfname PQfreeCancel PQfreemem PQftable PQftype PQgetisnull PQgetlength PQgetvalue PQisBusy PQlibVersion
PQnfields PQnotifies PQntuples PQparameterStatus PQpipelineStatus PQresultErrorField PQresultStatus
PQserverVersion PQsetNoticeReceiver PQsocket PQsslInUse PQstatus PQtransactionStatus sqlite3_backup_finish
sqlite3_bind_parameter_count sqlite3_changes64 sqlite3_clear_bindings sqlite3_close sqlite3_close_v2
sqlite3_column_bytes sqlite3_column_count sqlite3_column_double sqlite3_column_int sqlite3_column_int64
sqlite3_column_type sqlite3_column_value sqlite3_config sqlite3_db_config sqlite3_db_filename sqlite3_db_handle
sqlite3_db_readonly sqlite3_errcode sqlite3_errmsg sqlite3_errstr sqlite3_extended_errcode sqlite3_finalize
sqlite3_get_autocommit sqlite3_interrupt sqlite3_libversion sqlite3_libversion_number sqlite3_progress_handler
sqlite3_reset sqlite3_sql sqlite3_stmt_busy sqlite3_stmt_readonly sqlite3_total_changes64 sqlite3_txn_state
sqlite3_value_bytes sqlite3_value_double sqlite3_value_int64 sqlite3_value_type sqlite3_wal_hook'

made=$(nm -u "$archive" 2>/dev/null | sed -n 's/^ *U \(PQ[A-Za-z]*\|sqlite3_[a-z0-9_]*\)$/\1/p' | sort -u)
echo 1..2
if [ "$(echo "$made" | wc -l)" -gt 50 ]; then
    echo 'ok 1 - the calls were found'
else
    echo "not ok 1 - the calls were found: only these: $made"
fi
unknown=''
for call in $made; do
    case " $* $(echo $cannot_fail) " in
    *" $call "*) ;;
    *) unknown="$unknown $call" ;;
    esac
done
if [ -z "$unknown" ]; then
    echo 'ok 2 - each is failed or cannot fail'
else
    echo "not ok 2 - neither in fault_calls (meson.build) nor in the list here:$unknown"
fi
