//! A client's plan.

use mainstay_core::care::item_of;
use mainstay_core::engine::{Engine, EngineError, ShareInfo};
use mainstay_core::plan::Plan;
use serde_json::json;

use super::clients;
use crate::shell::failure::Failure;
use crate::shell::home::Home;
use crate::shell::output::Output;
use crate::shell::plan::{PlanAction, edit_of};
use crate::shell::shares::records;

pub(super) async fn plan(
    home: &Home,
    out: &Output,
    client: &str,
    action: Option<PlanAction>,
) -> Result<(), Failure> {
    let engine = home.open().await?;
    let done = act(&engine, out, client, action.unwrap_or(PlanAction::Show)).await;
    engine.suspend().await?;
    done
}

async fn act(
    engine: &Engine,
    out: &Output,
    client: &str,
    action: PlanAction,
) -> Result<(), Failure> {
    let info = clients::with(engine, out, client).await?;
    let Some(view) = engine.share_plan(info.id).await? else {
        return Err(Failure::new(format!(
            "{} does not share a plan with you, or it has not come yet; `counsellor sync` looks",
            info.peer
        )));
    };
    clients::looked(engine, &info).await?;
    let look = format!("counsellor plan {client}");
    let edit = edit_of(&Plan::from(&view.plan), action, engine.new_item_id().await?, &look)?;
    let Some(edit) = edit else {
        let json = json!({
            "sections": records::plan_json(&view.plan),
            "may_edit": view.may_edit,
            "waiting": view.waiting,
        });
        return out.say(json, || {
            let plan = records::plan_text(&view.plan);
            match view.waiting {
                0 => plan,
                waits => format!("{plan}\n\n{waits} of your changes wait for {}.", info.peer),
            }
        });
    };
    let id = item_of(&edit);
    engine.share_edit_plan(info.id, edit).await.map_err(|error| refused(&info, error))?;
    out.say(json!({ "id": id.to_string() }), || {
        format!("Kept ({id}). It is in {}'s plan after the next syncs of both of you.", info.peer)
    })
}

fn refused(info: &ShareInfo, error: EngineError) -> Failure {
    match error {
        EngineError::NotYours => Failure::new(format!(
            "{} lets you read the plan, not change it; `counsellor propose` suggests a change",
            info.peer
        )),
        error => error.into(),
    }
}
